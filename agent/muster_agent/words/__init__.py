"""What a person reads, in Chinese and English: ``words/*.json`` map a key to {"en": …, "zh": …}.

The server reads the same reasons, so a problem is worded once.
"""

from __future__ import annotations

import json
import os
import pkgutil
import sys
from typing import Any, Mapping

LANGUAGES = ("zh", "en")
# Why something could not be read: what may happen anywhere, and what one system alone has.
REASONS = ("reasons", "reasons_windows", "reasons_linux", "reasons_darwin")
FILES = (*REASONS, "contract", "check", "selftest", "send", "status", "identity", "stick")


def language(asked: str | None = None, environment: Mapping[str, str] = os.environ) -> str:
    """The language to speak: ``asked``, else MUSTER_LANG, else the locale, else that of Windows, else English."""
    for said in (asked, *(environment.get(name) for name in ("MUSTER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))):
        if said:
            return "zh" if said.lower().startswith("zh") else "en"
    return "zh" if sys.platform == "win32" and _windows_is_chinese() else "en"


def _windows_is_chinese() -> bool:
    """Whether this user's Windows speaks Chinese: it names no locale in the environment."""
    import ctypes

    said = ctypes.windll.kernel32.GetUserDefaultUILanguage()  # type: ignore[attr-defined, unused-ignore]
    return bool(said & 0x3FF == 0x04)  # the primary language LANG_CHINESE


def load(name: str) -> dict[str, dict[str, str]]:
    """The entries of ``words/<name>.json``. Reads through the loader, so that it works inside a .pyz."""
    data = pkgutil.get_data(__name__, name + ".json")
    if data is None:
        raise FileNotFoundError(f"muster_agent/words/{name}.json is missing from this installation")
    entries: dict[str, dict[str, str]] = json.loads(data.decode("utf-8"))
    return entries


class Words:
    """The words of one language. ``words("check.title", name=…)`` fills the braces of the entry."""

    def __init__(self, lang: str, files: tuple[str, ...] = FILES) -> None:
        self.lang = lang
        self._entries = {key: entry for name in files for key, entry in load(name).items()}
        self._frame = load("frame")

    def __call__(self, key: str, **values: Any) -> str:
        """The entry ``key`` with its braces filled. Raises ``KeyError`` for a key nobody wrote."""
        return self._entries[key][self.lang].format(**values)

    def has(self, key: str) -> bool:
        """Whether somebody wrote the entry ``key``."""
        return key in self._entries

    def frame(self, message: str) -> str:
        """What argparse says by itself, in this language; a sentence nobody worded stays English."""
        entry = self._frame.get(message)
        return entry[self.lang] if entry else message

    def reason(self, code: str, detail: str = "") -> str:
        """A problem in words. A code this version does not know is shown as it is: it may come from a newer agent."""
        entry = self._entries.get("reason." + code)
        said = entry[self.lang] if entry else code
        return f"{said}{'：' if self.lang == 'zh' else ': '}{detail}" if detail else said
