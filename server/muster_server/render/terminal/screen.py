"""The screen a view is laid out for, and the small things every view says: days, dates, marks, verdicts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from muster_agent.facts import Problem
from muster_server.judge.verdict import Result, Verdict
from muster_server.render.inert import inert
from muster_server.render.terminal.cells import Cell, Line, fold, spread
from muster_server.tally import Item, PCTally, Rate, State, Tally
from muster_server.words import Words

STATE_MARKS = {
    State.COMPLIANT: ("+", "good"),
    State.NONCOMPLIANT: ("x", "bad"),
    State.UNKNOWN: ("?", "doubt"),
    State.SILENT: ("?", "doubt"),
}
RESULT_MARKS = {
    Result.PASS: ("+", "good"),
    Result.FAIL: ("x", "bad"),
    Result.ERROR: ("?", "doubt"),
    Result.UNKNOWN: ("?", "doubt"),
    Result.NOT_APPLICABLE: ("-", ""),
    Result.NOT_CHECKED: ("-", ""),
}
T = TypeVar("T")
STALE = timedelta(hours=48)  # reports.md §2.7: with no report at all for longer, a line of its own says so


@dataclass(frozen=True)
class Screen:
    """What a view must know of the place it is read."""

    words: Words
    columns: int = 80
    colour: bool = False
    limit: int | None = None  # rows of a list; None: as the view thinks fit; 0: all
    everything: bool = False  # passed checks too
    command: str = "muster"  # how this deployment is addressed, e.g. muster --data /srv/muster

    @property
    def usable(self) -> int:
        """The last column stays free: a full one wraps in the Windows console."""
        return self.columns - 1

    def some(self, rows: Sequence[T], usual: int) -> Sequence[T]:
        """As many of ``rows`` as are wanted, ``usual`` unless the reader said."""
        limit = 0 if self.everything else usual if self.limit is None else self.limit
        return rows[:limit] if limit else rows

    def paragraph(self, text: str, style: str = "", indent: str = "") -> list[Line]:
        """``text`` folded to this screen."""
        return fold(text, self.usable, style, indent, indent)

    def shown(self, some: Sequence[object], rows: Sequence[object]) -> list[Line]:
        """The line that owns up to a list cut short."""
        if len(some) == len(rows):
            return []
        return self.paragraph(self.words("report.shown", shown=len(some), of=len(rows)))

    def next(self, key: str, command: str, **values: object) -> list[Line]:
        """The one command to type next, after an empty line; it is never broken where it fits a line."""
        said = self.words(key, command="", **values).rstrip()
        return [(), *spread([Cell(said), Cell(command, "head")], self.usable, gap=" ")]


def number(n: int, words: Words) -> str:
    """1,000 in English, 1000 in Chinese, as each is written."""
    return f"{n:,}" if words.lang == "en" else str(n)


def counted(key: str, n: int, words: Words) -> str:
    """The entry ``key`` with its number; one of a thing has its own entry, because English says "1 day"."""
    return words(key + ".one" if n == 1 else key, n=number(n, words))


def rate(value: Rate) -> str:
    """n/N = percent: never one without the other."""
    return f"{value.n}/{value.of} = {value.percent()}"


def day(moment: datetime, tally: Tally) -> str:
    """The day, in the office's zone."""
    return moment.astimezone(tally.as_of.tzinfo).strftime("%Y-%m-%d")


def minute(moment: datetime, tally: Tally) -> str:
    """The day and the minute, in the office's zone."""
    return moment.astimezone(tally.as_of.tzinfo).strftime("%Y-%m-%d %H:%M")


def days(left: int | None, words: Words) -> Cell:
    """Days left, or overdue."""
    if left is None:
        return Cell("-")
    if left < 0:
        return Cell(counted("report.days.overdue", -left, words), "bad")
    if left == 0:
        return Cell(words("report.days.today"), "bad")
    return Cell(counted("report.days.left", left, words))


def state(one: State, words: Words) -> Cell:
    """Mark and word of a PC's state."""
    mark, style = STATE_MARKS[one]
    return Cell(f"{mark} {words('report.state.' + one)}", style)


def result(one: Result, words: Words) -> Cell:
    """Mark and word of a rule's result."""
    mark, style = RESULT_MARKS[one]
    return Cell(f"{mark} {words('report.result.' + one)}", style)


def severity(one: str, words: Words) -> str:
    """The severity in words."""
    return words("report.severity." + one)


def unit(name: str | None, words: Words) -> str:
    """The unit's name; an enrolment without one says so."""
    return name or words("report.no_unit")


def problem(one: Problem, words: Words) -> str:
    """Why something could not be read, in the agent's own words; a code from a newer agent is shown as it is."""
    said = words.maybe("reason." + one.code, one.code)
    return f"{said}: {one.detail}" if one.detail else said


def silence(pc: PCTally, words: Words) -> str:
    """How long a PC has been silent."""
    if pc.silent_days is None:
        return words("report.silent.never")
    return counted("report.silent.days", pc.silent_days, words)


def first_item(pc: PCTally) -> Item | None:
    """Its most urgent problem."""
    return pc.items[0] if pc.items else None


def undetermined(pc: PCTally) -> list[Verdict]:
    """Its checks that could not be told."""
    return [verdict for verdict in pc.verdicts if verdict.result in (Result.ERROR, Result.UNKNOWN)]


def system(pc: PCTally, words: Words) -> str:
    """Name and version of its operating system."""
    table = (pc.judged.subject.tables or {}).get("os_version")
    row = table.rows[0] if table is not None and table.rows else None
    said = " ".join(str(part) for part in (row and row.name, row and row.version) if part)
    return said or words("report.pc.os_unknown")


def pc_argument(pc: PCTally) -> str:
    """How to name the PC to ``--pc``.

    A host name is untrusted and a reader pastes this into a shell: a name with anything but plain letters in it gives
    way to the id the server knows the PC by.
    """
    return pc.pc.name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", pc.pc.name) else shlex.quote(inert(pc.pc.id))
