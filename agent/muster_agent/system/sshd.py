"""sshd_config(5): what the SSH server is set to, from its files or from what ``sshd -T`` prints.

The first value of a keyword counts. What stands under ``Match`` counts for some connections only; Muster takes the
weakest value any connection may get, because one open door is an open door.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import field
from typing import Callable, Iterable

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, NotFound

FOLDER = "/etc/ssh"
FILES = ("/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config")  # openSUSE keeps the maker's file under /usr
KEYWORD = re.compile(r"\s*([^\s=\"]+)\s*=?\s*(.*)\Z", re.DOTALL)
# An argument: pieces in quotes, in which a backslash keeps a quote, and pieces without.
ARGUMENT = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"'])+""")
BLANKS = re.compile(r"\s*")
PIECE = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^"']+)""")
DEPTH = 16  # SERVCONF_MAX_DEPTH of OpenSSH
MOST = 500  # files altogether: some that include each other twice would be read for ever
# Old names of keywords.
SYNONYMS = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
}
ROOT_LOGIN = ("yes", "prohibit-password", "forced-commands-only", "no")  # weakest first
# Fetches the files a pattern of Include names: (path, text).
Include = Callable[[str], Iterable["tuple[str, str]"]]


@dataclass
class Settings:
    """The keywords of a configuration in their order: for every connection, and for some only."""

    general: list[tuple[str, list[str]]] = field(default_factory=list)
    conditional: list[tuple[str, list[str]]] = field(default_factory=list)
    files: int = 0  # that were read

    def first(self, keyword: str) -> list[str] | None:
        """The arguments in force for a connection of which no Match speaks."""
        return next((arguments for name, arguments in self.general if name == keyword), None)

    def every(self, keyword: str, default: list[str]) -> list[list[str]]:
        """The arguments in force, and those some connections get instead."""
        general = self.first(keyword)
        others = [arguments for name, arguments in self.conditional if name == keyword]
        return [default if general is None else general, *others]


def arguments_of(text: str) -> list[str]:
    """The words behind a keyword, unquoted; a word that begins with # begins a comment. Raises ``ValueError``."""
    found = []
    said, at = text.strip(), 0
    while at < len(said) and said[at] != "#":
        word = ARGUMENT.match(said, at)
        if not word:
            raise ValueError(text)
        pieces = (double or single or plain for double, single, plain in PIECE.findall(word.group()))
        found.append(re.sub(r"\\([\"'\\])", r"\1", "".join(pieces)))
        at = BLANKS.match(said, word.end()).end()  # type: ignore[union-attr]  # none at all are blanks too
    return found


def parse(text: str, include: Include, path: str = FILES[0]) -> Settings:
    """The settings in the text of an sshd_config. Raises :class:`CannotRead` for a line sshd would refuse."""
    settings = Settings()
    _parse(text, include, path, settings, True, 0)
    return settings


def _parse(text: str, include: Include, path: str, settings: Settings, everybody: bool, depth: int) -> None:
    settings.files += 1
    if depth > DEPTH or settings.files > MOST:
        raise CannotRead("not_understood", f"{path}: Include")
    for line in text.replace("\r", "").split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            found = KEYWORD.match(line)
            keyword = found.group(1).lower() if found else ""
            arguments = arguments_of(found.group(2)) if found else []
        except ValueError:
            if not everybody:  # under Match only the keywords asked for matter, and those are checked when they are
                continue
            keyword = ""
        if not keyword:
            raise CannotRead("not_understood", f"{path}: {line.strip()[:80]}")
        keyword = SYNONYMS.get(keyword, keyword)
        if keyword == "match":
            everybody = [argument.lower() for argument in arguments] == ["all"]
            continue
        (settings.general if everybody else settings.conditional).append((keyword, arguments))
        if keyword == "include":
            for pattern in arguments:
                for name, more in include(pattern):
                    _parse(more, include, name, settings, everybody, depth + 1)


def included(machine: Machine) -> Include:
    """The files an Include names on ``machine``; a pattern may have wildcards in its last part."""

    def fetch(pattern: str) -> list[tuple[str, str]]:
        path = pattern if pattern.startswith("/") else f"{FOLDER}/{pattern}"
        folder, _, name = path.rpartition("/")
        # No file has a longer name, and a pattern of brackets takes fnmatch time that grows with its square.
        if re.search(r"[*?\[]", folder) or len(name) > 255:
            raise CannotRead("not_understood", f"Include {pattern}"[:200])
        if not re.search(r"[*?\[]", name):
            try:
                return [(path, machine.text(path))]
            except NotFound:
                return []  # as sshd does
        names = sorted(entry for entry in machine.names(folder) if fnmatch.fnmatchcase(entry, name))
        shown = [entry for entry in names if name.startswith(".") or not entry.startswith(".")]
        return [(f"{folder}/{entry}", machine.text(f"{folder}/{entry}")) for entry in shown]

    return fetch


def read(machine: Machine) -> Settings:
    """The settings of the SSH server of ``machine``. Raises :class:`CannotRead`; without a file it does not start."""
    for path in FILES:
        try:
            text = machine.text(path)
        except NotFound:
            continue
        return parse(text, included(machine), path)
    raise NotFound(FILES[0])


def parse_effective(text: str) -> Settings:
    """What ``sshd -T`` printed: every keyword with its value, those of lists in several lines. Raises
    :class:`CannotRead` where it complained instead."""
    settings = Settings()
    for line in text.replace("\r", "").split("\n"):
        keyword, _, value = line.strip().partition(" ")
        if re.match(r"[a-z0-9]{2,40}\Z", keyword):
            settings.general.append((SYNONYMS.get(keyword, keyword), value.split()))
        elif keyword:
            raise CannotRead("not_understood", f"sshd -T: {line.strip()[:80]}")
    return settings


def _flags(settings: Settings, keyword: str, default: str) -> list[bool]:
    found = []
    for arguments in settings.every(keyword, [default]):
        word = arguments[0].lower() if arguments else ""
        if word not in ("yes", "no"):
            raise CannotRead("not_understood", f"{keyword} {' '.join(arguments)}"[:100])
        found.append(word == "yes")
    return found


def root_login(settings: Settings, default: str | None) -> str | None:
    """PermitRootLogin, the weakest; ``default`` is what this server takes where no file says."""
    found = []
    for arguments in settings.every("permitrootlogin", [] if default is None else [default]):
        word = arguments[0].lower().replace("without-password", "prohibit-password") if arguments else ""
        if word in ROOT_LOGIN:
            found.append(word)
        elif arguments or default is not None or settings.first("permitrootlogin") is not None:
            raise CannotRead("not_understood", f"PermitRootLogin {word}"[:100])
    if ROOT_LOGIN[0] in found:
        return ROOT_LOGIN[0]
    stated = default is not None or settings.first("permitrootlogin") is not None
    return min(found, key=ROOT_LOGIN.index) if found and stated else None


def accepts_passwords(settings: Settings) -> bool:
    """Whether a password gets anybody in: by password authentication, or by PAM's questions (which ask for it)."""
    pam = any(_flags(settings, "usepam", "no"))
    asked = any(_flags(settings, "passwordauthentication", "yes"))
    questions = pam and any(_flags(settings, "kbdinteractiveauthentication", "yes"))
    for methods in settings.every("authenticationmethods", ["any"]):
        words = {method.partition(":")[0].lower() for path in methods for method in path.split(",")}
        if "any" in words or not words:
            words = {"password", "keyboard-interactive"}
        if (asked and "password" in words) or (questions and "keyboard-interactive" in words):
            return True
    return False


def accepts_empty_passwords(settings: Settings) -> bool:
    """Whether an account without password may be logged in to."""
    return any(_flags(settings, "permitemptypasswords", "no")) and accepts_passwords(settings)


def max_tries(settings: Settings) -> int:
    """MaxAuthTries, the largest."""
    found = [arguments[0] if arguments else "" for arguments in settings.every("maxauthtries", ["6"])]
    for number in found:
        if not re.match(r"[0-9]{1,9}\Z", number):
            raise CannotRead("not_understood", f"MaxAuthTries {number}"[:100])
    return max(int(number) for number in found)
