"""logrotate.conf(5): how often a log is set aside, and how many of those are kept."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import replace
from typing import Callable

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

PERIODS = {"hourly": 0, "daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}  # days
BEGINS_SCRIPT = {"postrotate", "prerotate", "firstaction", "lastaction", "preremove"}
NUMBER = re.compile(r"-?[0-9]{1,6}\Z")
DEPTH = 16
MOST = 500  # files altogether: some that include each other twice would be read for ever
LONGEST = 1000  # characters of a pattern


@dataclass(frozen=True)
class Rotation:
    """How one group of logs is kept. None is not set."""

    period: int | None = None  # days from one rotation to the next; 0 is hours
    rotate: int | None = None  # how many old ones are kept; -1 is all
    max_age: int | None = None  # days after which an old one is removed
    by_size: bool = False  # it is set aside at a size, whenever that is

    def days(self) -> int | None:
        """Days a record is kept at least; None when the size decides or nothing is ever removed."""
        if self.by_size or self.period is None or self.rotate is None or self.rotate < 0:
            return None
        kept = self.period * self.rotate
        return kept if self.max_age is None else min(kept, self.max_age)


@dataclass
class Logrotate:
    """A configuration: what holds for all, and the patterns with their own."""

    default: Rotation
    logs: list[tuple[str, Rotation]]
    files: int = 0  # that were read

    def of(self, path: str) -> Rotation | None:
        """How the log at ``path`` is kept; None when nothing rotates it."""
        return next((rotation for pattern, rotation in self.logs if _fits(path, pattern)), None)


def _fits(path: str, pattern: str) -> bool:
    """Whether a pattern names ``path``. A pattern of brackets takes fnmatch time that grows with its square, and none
    that names a log is as long as this."""
    return len(pattern) <= LONGEST and fnmatch.fnmatchcase(path, pattern)


def _directive(words: list[str], rotation: Rotation) -> Rotation:
    name, value = words[0].partition("=")[0], words[-1].rpartition("=")[2]
    if name in PERIODS:
        return replace(rotation, period=PERIODS[name], by_size=False)
    if name == "size":  # overrides the period; minsize and maxsize go with it
        return replace(rotation, by_size=True)
    if name in ("rotate", "maxage") and NUMBER.match(value):
        number = int(value)
        return replace(rotation, rotate=number) if name == "rotate" else replace(rotation, max_age=number)
    return rotation


def parse(text: str, include: Callable[[str], list[str]], into: Logrotate | None = None, depth: int = 0) -> Logrotate:
    """The configuration in ``text``; ``include`` fetches the texts of a file or folder and may raise."""
    found = Logrotate(Rotation(rotate=0), []) if into is None else into
    found.files += 1
    if found.files > MOST:
        raise CannotRead("not_understood", "logrotate: include")
    names: list[str] = []
    inside: Rotation | None = None
    in_script = False
    for line in re.sub(r"\\\n", " ", text.replace("\r", "")).split("\n"):
        said = line.strip()
        if in_script:
            in_script = said != "endscript"
            continue
        if not said or said.startswith("#"):
            continue
        words = [word.strip("\"'") for word in said.split()]
        if inside is not None:
            if said.startswith("}"):
                found.logs += [(name, inside) for name in names]
                names, inside = [], None
            elif words[0] in BEGINS_SCRIPT:
                in_script = True
            else:
                inside = _directive(words, inside)
        elif said.endswith("{"):
            names += [word for word in (word.rstrip("{") for word in words) if word]
            inside = found.default
        elif words[0].startswith("/"):
            names += words
        elif words[0] == "include" and len(words) == 2 and depth < DEPTH:
            for more in include(words[1]):
                parse(more, include, found, depth + 1)
        else:
            found.default = _directive(words, found.default)
    return found
