"""What dnf and yum say there is to update: the words of ``check-update`` (dnf 5: ``check-upgrade``).

    name.architecture     [epoch:]version-release     repository

One package a line in three columns, of which yum and dnf carry on in the next line, indented, what is too wide; then,
under a heading, what replaces an installed package of another name. Before, between and after them anything may stand:
mirrors, plugins, "Security: kernel-… is an installed security update", broken notices, conflicts of modules.
"""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead
from muster_agent.system.rpm import nevra

HEADING = re.compile(r"Obsoleting packages", re.IGNORECASE)
REPOSITORY = re.compile(r"[@A-Za-z0-9_.:/${}<>+-]{1,200}")
NAME = re.compile(r"(?P<name>[A-Za-z0-9_][A-Za-z0-9._+-]*)\.(?P<arch>[a-z0-9_]+)")
NUMBERED = re.compile(r"[0-9]")


@dataclass(frozen=True)
class Offered:
    """A package on offer."""

    name: str
    arch: str
    version: str  # [epoch:]version-release
    repository: str


def _begins(words: list[str]) -> bool:
    """Whether these are the first columns of a package: an architecture rpm knows, or a version in its place."""
    if not words:
        return False
    if words[0].rpartition(".")[2] in nevra.ARCHITECTURES and NAME.fullmatch(words[0]):
        return True
    return len(words) == 3 and NUMBERED.match(words[1]) is not None and nevra.normal(words[1]) is not None


def _offered(words: list[str]) -> Offered:
    head, version = NAME.fullmatch(words[0]), nevra.normal(words[1]) if len(words) > 1 else None
    if head is None or version is None or len(words) > 3 or not all(map(REPOSITORY.fullmatch, words[2:])):
        raise CannotRead("not_understood", " ".join(words)[:120])
    return Offered(head["name"], head["arch"], version, "".join(words[2:]))


class _Reader:
    """One reading, line by line."""

    def __init__(self) -> None:
        self.updates: list[Offered] = []
        self.replacing: list[tuple[Offered, Offered]] = []
        self.obsoleting = False
        self._words: list[str] = []  # of a package whose columns are not complete yet
        self._below = False  # whether they stand under a package that would replace them
        self._above: Offered | None = None

    def line(self, line: str) -> None:
        words, indented = line.split(), line[:1] in (" ", "\t")
        if self._words and indented and words and not _begins(words):
            self._words += words
        else:
            self.end()
            if HEADING.match(line.strip()):
                self.obsoleting, self._above = True, None
            elif _begins(words) and (self.obsoleting or not indented):
                self._words, self._below = words, indented
        if len(self._words) >= 3:
            self._take()

    def end(self) -> None:
        """Nothing more belongs to the package begun. What is installed may have come from no repository at all."""
        if self._words and not (self.obsoleting and self._below and len(self._words) == 2):
            raise CannotRead("not_understood", " ".join(self._words)[:120])
        if self._words:
            self._take()

    def _take(self) -> None:
        package, self._words = _offered(self._words), []
        if not self.obsoleting:
            self.updates.append(package)
        elif not self._below:
            self._above = package
        elif self._above is not None:
            self.replacing.append((self._above, package))


def parse(text: str) -> tuple[list[Offered], list[tuple[Offered, Offered]]]:
    """(what is newer than an installed package, what would replace one: the new package and the old).

    Raises ``not_understood`` for a line that begins as one of a package and is none, and for one that is cut short:
    an update must not get lost.
    """
    reader = _Reader()
    *lines, last = text.split("\n")
    for line in lines:
        reader.line(line.rstrip("\r"))
    if last:
        before = len(reader.updates) + len(reader.replacing)
        reader.line(last)
        if len(last.split()) < 3 and before == len(reader.updates) + len(reader.replacing):
            raise CannotRead("not_understood", last[:120])
    reader.end()
    return reader.updates, reader.replacing
