"""The SSH server's settings: sshd_config files and what ``sshd -T`` prints, against jc's reading of the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.machine import CannotRead
from muster_agent.system import sshd

READS = {("linux", "misc")}

KEYWORD = re.compile(r"^\s*(?:PermitRootLogin|PasswordAuthentication|UsePAM|HostKey|Subsystem)\b", re.I | re.M)
# The keywords the agent asks for, and those that show that lists are read right.
ASKED = (
    *("permitrootlogin", "passwordauthentication", "permitemptypasswords", "maxauthtries", "usepam"),
    *("kbdinteractiveauthentication", "authenticationmethods", "port", "listenaddress", "hostkey", "acceptenv"),
)
SEVERAL = ("port", "listenaddress", "hostkey", "acceptenv")


def kind_of(entry: Entry, text: str) -> str | None:
    """Whether it is what sshd -T printed, or a configuration, or neither."""
    if not KEYWORD.search(text):
        return None
    words = [line.split(None, 1)[0] for line in text.splitlines() if line.strip()]
    printed = all(word == word.lower() and not word.startswith("#") for word in words) and len(words) > 40
    return "sshd -T" if printed else "sshd_config"


def ours(settings: sshd.Settings, keyword: str) -> list[str]:
    """The values of a keyword as words: of one that takes one value, those that count."""
    found = [arguments for name, arguments in settings.general if name == keyword]
    return [word for arguments in (found if keyword in SEVERAL else found[:1]) for word in arguments]


def theirs(said: dict[str, Any], keyword: str) -> list[str]:
    """jc's."""
    names = [old for old, new in sshd.SYNONYMS.items() if new == keyword]
    value = next((said[name] for name in (keyword, *names) if name in said), [])
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    by_file = {entry.file: entry for entry in entries}
    for entry in by_file.values():
        if entry.kind != "raw":
            continue
        text = entry.text()
        kind = kind_of(entry, text)
        if kind is None:
            yield Result(entry.file, UNKNOWN, "nothing the agent reads")
            continue
        try:
            settings = sshd.parse_effective(text) if kind == "sshd -T" else sshd.parse(text, lambda pattern: [])
            sshd.root_login(settings, "prohibit-password"), sshd.accepts_passwords(settings), sshd.max_tries(settings)
        except CannotRead as error:
            yield Result(entry.file, UNKNOWN, str(error))
            continue
        expected = by_file.get(re.sub(r"(\.out)?\Z", ".json", entry.file, count=1))
        if expected is None:
            yield Result(entry.file, UNSTATED)
            continue
        said = json.loads(expected.text())
        said = said[0] if isinstance(said, list) else said
        wrong = [
            f"{keyword}: {ours(settings, keyword)} instead of {theirs(said, keyword)}"
            for keyword in ASKED
            if ours(settings, keyword) != theirs(said, keyword)
        ]
        yield Result(entry.file, WRONG if wrong else RIGHT, "; ".join(wrong)[:300])
