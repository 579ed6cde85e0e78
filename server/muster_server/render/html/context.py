"""What the template of the month is given: these fields and no others (a test compares them with the template).

Every text that came from a PC, an enrolment or a configuration file has passed :func:`inert` before it stands here;
the template escapes it once more for HTML. Counts are numbers; rates, dates and changes are already written out in
the report's language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from muster_server.words import Words


@dataclass(frozen=True)
class When:
    """A day or a moment, as it is read and as a machine reads it."""

    text: str
    iso: str  # the datetime attribute of <time>


@dataclass(frozen=True)
class Share:
    """A rate. The percentage never stands without its n of N."""

    percent: str
    n: int
    of: int
    change: str  # percentage points since the month before, signed; empty when nothing can be compared


@dataclass(frozen=True)
class Segment:
    """A piece of a bar. ``x`` and ``width`` are percentages of the bar, as SVG attributes take them."""

    kind: str  # the CSS class that fills it
    x: str
    width: str


@dataclass(frozen=True)
class PolicyLine:
    """A policy these numbers were judged by."""

    title: str
    id: str
    version: str
    digest: str  # the first twelve hex digits of the file's SHA-256


@dataclass(frozen=True)
class Head:
    """Who reports what, as of when, and by which yardstick."""

    office: str
    month: str
    over: bool  # False: the month still runs and this is a draft
    as_of: When
    zone: str  # e.g. UTC+08:00
    last_report: When | None
    policies: tuple[PolicyLine, ...]
    report_id: str
    simulated: int  # simulated PCs; above 0 the report says that it is a demonstration
    registered: int


@dataclass(frozen=True)
class Conclusion:
    """The answer in one sentence, and the identity that ties the three rates together."""

    kind: str  # met, missed or empty
    sentence: str
    confirmed: Share
    coverage: Share
    checked: Share


@dataclass(frozen=True)
class Action:
    """Something asked of somebody."""

    matter: str
    unit: str
    responsible: str | None
    date_label: str
    date: When | None


@dataclass(frozen=True)
class Tile:
    """One of the four numbers of the first page."""

    label: str
    value: str
    detail: str  # n of N, or what the number is made of
    change: str  # against the month before, in words; says so when there is nothing to compare with


@dataclass(frozen=True)
class Mark:
    """A text in the chart, or a point of the line with its value."""

    x: str
    y: str
    text: str


@dataclass(frozen=True)
class Chart:
    """The line chart of the trend, laid out on a canvas of ``width`` by ``height``."""

    width: int
    height: int
    left: str
    right: str
    grid: tuple[Mark, ...]
    months: tuple[Mark, ...]
    years: tuple[Mark, ...]
    confirmed: str  # path data; a month without PCs or a change of yardstick interrupts it
    coverage: str
    dots: tuple[Mark, ...]  # of the confirmed rate
    reported: tuple[Mark, ...]  # of the coverage
    values: tuple[Mark, ...]  # where the value of each dot is written
    target: str  # y of the target
    ends: tuple[Mark, ...]  # the names of the lines, at their right ends
    break_x: str | None  # where the yardstick changed
    title: str
    description: str


@dataclass(frozen=True)
class TrendRow:
    """One month in numbers."""

    month: str
    confirmed: Share
    coverage: Share


@dataclass(frozen=True)
class Trend:
    """The months so far, the newest last in the chart and first in the table."""

    chart: Chart | None  # None: fewer than two months
    rows: tuple[TrendRow, ...]


@dataclass(frozen=True)
class UnitRow:
    """One unit, or the total."""

    rank: int | None  # None: too small to be ranked, or the total
    name: str
    responsible: str | None
    registered: int
    compliant: int
    noncompliant: int
    unknown: int
    silent: int
    overdue: int
    confirmed: Share
    bar: tuple[Segment, ...]


@dataclass(frozen=True)
class Units:
    """The units, worst first, then those too small to rank, and their total."""

    rows: tuple[UnitRow, ...]
    number: int  # how many units there are; more than len(rows) when the table was cut
    total: UnitRow
    least: int  # a unit of fewer PCs is not ranked


@dataclass(frozen=True)
class FlowRow:
    """One step from the open items before to those after."""

    label: str
    sign: str
    number: int
    explanation: str
    bar: tuple[Segment, ...]
    sum: bool  # an amount at a moment, not a step


@dataclass(frozen=True)
class Changes:
    """How the open items moved."""

    rows: tuple[FlowRow, ...]
    sentence: str  # the same as one sum
    retired: int  # open findings whose rule no policy has any more: in the flow, not in the list


@dataclass(frozen=True)
class ProblemRow:
    """One rule that fails somewhere."""

    id: str
    title: str
    fix: str
    severity: str
    failing: int
    applicable: int
    undetermined: int
    units: int
    overdue: int
    references: tuple[str, ...]
    bar: tuple[Segment, ...]


@dataclass(frozen=True)
class Problems:
    """The rules that fail on most PCs."""

    rows: tuple[ProblemRow, ...]
    number: int  # rules that fail anywhere


@dataclass(frozen=True)
class ItemRow:
    """One item of the remediation list."""

    pc: str
    unit: str
    responsible: str | None
    rule: str
    title: str
    severity: str
    first_seen: When
    due: When
    left: str
    overdue: bool
    silent: bool
    relapsed: bool


@dataclass(frozen=True)
class Remediation:
    """What must be mended, overdue first."""

    rows: tuple[ItemRow, ...]
    number: int
    overdue: int
    mended: int


@dataclass(frozen=True)
class Band:
    """Silent PCs of one age."""

    label: str
    number: int
    bar: tuple[Segment, ...]


@dataclass(frozen=True)
class SilentRow:
    """One silent PC."""

    pc: str
    unit: str
    responsible: str | None
    last_report: When | None  # None: it has never reported
    days: int | None
    items: int


@dataclass(frozen=True)
class Silence:
    """The PCs that do not report: the longest silent first, after those that never did."""

    bands: tuple[Band, ...]
    rows: tuple[SilentRow, ...]
    number: int


@dataclass(frozen=True)
class Term:
    """A defined rate with its formula and this month's value."""

    name: str
    formula: str
    value: Share


@dataclass(frozen=True)
class Definitions:
    """How the numbers are made and what they cannot say."""

    terms: tuple[Term, ...]
    thresholds: tuple[str, ...]
    limits: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """The month's report. Each field is a variable of month.html.j2."""

    say: Words  # the words of the report's language
    counted: Callable[[str, int], str]  # counted("pcs", 3) is "3 PCs" or "3台"
    language: str  # BCP 47
    style: str  # the whole style sheet
    policy: str  # the content security policy, with the style sheet's hash
    head: Head
    conclusion: Conclusion
    actions: tuple[Action, ...]
    tiles: tuple[Tile, ...]
    trend: Trend
    units: Units
    changes: Changes
    problems: Problems
    remediation: Remediation
    silence: Silence
    definitions: Definitions
