"""What a tally holds: states, rates, items, and the PC, unit, rule and month in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from muster_server.judge.policy import Policy, Rule
from muster_server.judge.verdict import Judged, Result, Verdict
from muster_server.office import Office
from muster_server.subject import PC, Finding

UNDETERMINED = (Result.ERROR, Result.UNKNOWN)
RATED = (Result.PASS, Result.FAIL, *UNDETERMINED)  # XCCDF: these make up a check pass rate's denominator
SILENCE_BANDS = (30, 90)  # days, the ages by which silent PCs are shown (reports.md §3.2)
MIN_RANKED = 10  # a unit with fewer PCs shows counts and is not ranked


class State(StrEnum):
    """What a PC is, the first that applies in this order. Together the states are the register."""

    SILENT = "silent"  # no valid report within the silence threshold, or never one
    NONCOMPLIANT = "noncompliant"  # at least one rule fails
    UNKNOWN = "unknown"  # none fails, but at least one could not be determined, or none applied
    COMPLIANT = "compliant"  # every rule that applies passes


@dataclass(frozen=True)
class Rate:
    """n of N. It is always shown as both; the percentage comes from :meth:`tenths`."""

    n: int
    of: int

    def tenths(self) -> int | None:
        """Tenths of a percent, so rounded that 100.0 is said only of all and 0.0 only of none; None when of is 0."""
        if self.of == 0:
            return None
        tenths = (2000 * self.n + self.of) // (2 * self.of)
        if self.n < self.of:
            tenths = min(tenths, 999)
        if self.n > 0:
            tenths = max(tenths, 1)
        return tenths

    def percent(self) -> str:
        """The percentage with one decimal, or - when there is nothing to divide by."""
        tenths = self.tenths()
        return "-" if tenths is None else f"{tenths // 10}.{tenths % 10}%"

    def points(self, before: Rate) -> int | None:
        """The change since ``before`` in tenths of a percentage point, as the two printed percentages differ."""
        now, then = self.tenths(), before.tenths()
        return None if now is None or then is None else now - then

    def meets(self, target: int) -> bool:
        """Whether n of N is at least ``target`` percent. Nothing of nothing meets no target."""
        return self.of > 0 and self.n * 100 >= target * self.of

    def missing(self, target: int) -> int:
        """How many more of N it takes to meet ``target`` percent; 0 when it is met or there is nothing to divide by."""
        return max(-(-target * self.of // 100) - self.n, 0)


@dataclass(frozen=True)
class Item:
    """One thing to mend: a rule that a PC fails. The items are the remediation list (整改清单)."""

    pc: PC
    rule: Rule
    verdict: Verdict | None  # None when the PC is silent now and the item stands from before
    finding: Finding
    days_left: int  # calendar days of the office until its due date: 0 is due today, negative is overdue
    silent: bool  # the PC does not report any more; silence mends nothing

    @property
    def overdue(self) -> bool:
        """Its day has passed."""
        return self.days_left < 0


@dataclass(frozen=True)
class PCTally:
    """One PC in numbers, with its verdicts and its items, the most urgent first."""

    judged: Judged
    state: State
    responsible: str | None
    silent_days: int | None  # whole days since the last report; None: never reported
    verdicts: tuple[Verdict, ...]
    items: tuple[Item, ...]
    passed: int
    undetermined: int
    not_applicable: int

    @property
    def pc(self) -> PC:
        """The PC."""
        return self.judged.pc

    @property
    def overdue(self) -> bool:
        """At least one of its items is overdue."""
        return any(item.overdue for item in self.items)

    @property
    def days_left(self) -> int | None:
        """Days until its first item is due; None without items."""
        return min((item.days_left for item in self.items), default=None)

    def verdict(self, rule_id: str) -> Verdict | None:
        """What that rule answered on it; None when it was not judged by it."""
        return next((verdict for verdict in self.verdicts if verdict.rule == rule_id), None)


@dataclass(frozen=True)
class UnitTally:
    """One unit in numbers, or the whole office."""

    name: str | None  # None: the whole office
    responsible: str | None
    registered: int
    states: dict[State, int]
    overdue: int  # PCs with at least one overdue item
    items: int
    items_overdue: int
    overdue_in: dict[State, int] = field(default_factory=dict)  # the overdue PCs by their state; they add up to overdue

    @property
    def confirmed(self) -> Rate:
        """确认合规率, the headline: compliant of registered. Silence and doubt never raise it."""
        return Rate(self.states[State.COMPLIANT], self.registered)

    @property
    def coverage(self) -> Rate:
        """覆盖率: PCs that report, of registered."""
        return Rate(self.registered - self.states[State.SILENT], self.registered)

    @property
    def checked(self) -> Rate:
        """已检合规率: compliant of those that report. confirmed = coverage x checked, exactly."""
        return Rate(self.states[State.COMPLIANT], self.registered - self.states[State.SILENT])

    @property
    def ranked(self) -> bool:
        """Whether the unit is large enough to be compared by rate."""
        return self.registered >= MIN_RANKED


@dataclass(frozen=True)
class RuleUnit:
    """One rule in one unit."""

    name: str
    responsible: str | None
    failing: int  # PCs that report and fail it
    overdue: int  # of those, the ones whose item for this rule is overdue


@dataclass(frozen=True)
class RuleTally:
    """One rule over the office."""

    rule: Rule
    results: dict[Result, int]  # by result, over the PCs that report
    overdue: int
    failing: tuple[PCTally, ...]  # the PCs it fails on, most urgent first
    units: int  # units with at least one failing PC
    unclear: tuple[PCTally, ...] = ()  # the PCs that report and on which it could not be determined
    by_unit: tuple[RuleUnit, ...] = ()  # the units with at least one failing PC, most failing first

    @property
    def applicable(self) -> int:
        """PCs that report and that the rule applies to."""
        return sum(self.results[result] for result in RATED)

    @property
    def undetermined(self) -> int:
        """PCs on which it could not be determined."""
        return sum(self.results[result] for result in UNDETERMINED)


@dataclass(frozen=True)
class Flow:
    """Where the open items come from: before + new + relapsed - mended - no longer applicable = after."""

    since: datetime
    before: int
    new: int
    relapsed: int
    mended: int
    neutral: int
    after: int


@dataclass(frozen=True)
class Point:
    """One month of the trend."""

    month: str  # 2026-11
    confirmed: Rate
    coverage: Rate


@dataclass(frozen=True)
class Tally:
    """All numbers as of one moment."""

    as_of: datetime
    office: Office
    policies: tuple[Policy, ...]
    whole: UnitTally
    units: tuple[UnitTally, ...]  # worst first; those too small to rank after the others
    pcs: tuple[PCTally, ...]  # most urgent first
    rules: tuple[RuleTally, ...]  # most failing PCs first
    items: tuple[Item, ...]  # overdue first
    pass_rate: Rate  # passed of rated results, over all PCs that report
    flow: Flow
    simulated: int  # PCs of a demonstration office
    last_report: datetime | None  # the newest report that stands behind these numbers
    awaiting: int = 0  # PCs that enrolled and nobody has approved yet: in none of the other numbers
    duplicates: int = 0  # PCs that may be one another's copies

    @property
    def silence(self) -> dict[str, int]:
        """Silent PCs by whole days since their last report: up to each of SILENCE_BANDS, longer ("over"), "never"."""
        counted = Counter(_silence(pc.silent_days) for pc in self.pcs if pc.state is State.SILENT)
        return {band: counted[band] for band in (*map(str, SILENCE_BANDS), "over", "never")}


@dataclass(frozen=True)
class Month:
    """What the month's report is written from."""

    name: str  # 2026-11
    over: bool  # False: the month still runs, so the report is a draft
    tally: Tally  # as of the month's end, or as of now while it runs
    before: Tally | None  # as of the end of the month before; None when nothing was known then
    trend: tuple[Point, ...]  # up to twelve months, oldest first, this one last

    @property
    def comparable(self) -> bool:
        """Whether the month before was judged by the same policies and thresholds (reports.md §3.7)."""
        return self.before is not None and _yardstick(self.before) == _yardstick(self.tally)


def _silence(days: int | None) -> str:
    if days is None:
        return "never"
    return next((str(band) for band in SILENCE_BANDS if days <= band), "over")


def _yardstick(tally: Tally) -> tuple[frozenset[tuple[str, str]], timedelta]:
    return frozenset((policy.id, policy.digest) for policy in tally.policies), tally.office.silent_after
