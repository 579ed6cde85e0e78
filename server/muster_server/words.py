"""What a person reads, in Chinese and English: ``reports/wording/*.yaml`` map a key to {zh: …, en: …}.

An officer may change the wording there. Tables, columns and the problems that a PC reports are worded by the agent.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import yaml

from muster_agent.words import LANGUAGES, REASONS, language
from muster_agent.words import load as load_agent_words
from muster_server.resources import bundled

__all__ = ["LANGUAGES", "Words", "entries", "language"]


@cache
def entries() -> dict[str, dict[str, str]]:
    """Every entry, by key. A key that stands in two files raises ``ValueError``."""
    found: dict[str, dict[str, str]] = {
        key: entry for name in (*REASONS, "contract") for key, entry in load_agent_words(name).items()
    }
    for path in sorted(bundled("reports").joinpath("wording").glob("*.yaml")):
        for key, entry in (yaml.load(path.read_text("utf-8"), yaml.CSafeLoader) or {}).items():
            if key in found:
                raise ValueError(f"{path}: {key} is worded twice")
            found[key] = entry
    return found


class Words:
    """The words of one language: ``words("status.compliant")``, ``words("report.headline", n=3)``."""

    def __init__(self, lang: str | None = None) -> None:
        self.lang = language(lang, os.environ)

    def __call__(self, key: str, /, **values: Any) -> str:
        """The entry ``key`` with its braces filled. Raises ``KeyError`` for a key nobody wrote."""
        said = str(entries()[key][self.lang])
        return said.format(**values) if values else said

    def maybe(self, key: str, default: str, /, **values: Any) -> str:
        """The entry ``key``, or ``default``: for codes that a newer agent may know and this server does not."""
        return self(key, **values) if key in entries() else default

    def of(self, both: dict[str, str]) -> str:
        """This language's half of a {zh, en} text from a policy."""
        return both[self.lang]
