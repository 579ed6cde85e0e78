"""The sections after the first page: units, changes, problems, remediation, silence, and the definitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from muster_server.judge.policy import DUE_BY_SEVERITY
from muster_server.judge.verdict import Result
from muster_server.render.html.chart import chart
from muster_server.render.html.context import (
    Band,
    Changes,
    Definitions,
    FlowRow,
    ItemRow,
    ProblemRow,
    Problems,
    Remediation,
    Silence,
    SilentRow,
    Term,
    Trend,
    TrendRow,
    UnitRow,
    Units,
)
from muster_server.render.html.notation import MINUS, Notation, piece, stacked
from muster_server.render.inert import inert
from muster_server.tally import MIN_RANKED, SILENCE_BANDS, Item, Month, PCTally, RuleTally, State, UnitTally

# How many rows the one file shows; the budget is 150 KB at 10,000 PCs (reports.md §3.9).
UNITS, PROBLEMS, ITEMS, SILENT = 100, 10, 20, 20
STATES = (State.COMPLIANT, State.NONCOMPLIANT, State.UNKNOWN, State.SILENT)


def trend(month: Month, notation: Notation) -> Trend:
    """The months so far. A line needs two of them."""
    points = month.trend
    broken = month.before is not None and not month.comparable
    return Trend(
        chart=chart(points, month.tally.office.target, broken, notation) if len(points) > 1 else None,
        rows=tuple(
            TrendRow(point.month, notation.share(point.confirmed), notation.share(point.coverage))
            for point in reversed(points)
        ),
    )


def units(month: Month, notation: Notation) -> Units:
    """The units as the tally orders them, each compared with itself a month ago."""
    tally = month.tally
    before = {unit.name: unit for unit in month.before.units} if month.before and month.comparable else {}
    whole = month.before.whole if month.before and month.comparable else None
    return Units(
        rows=tuple(
            _unit(unit, before.get(unit.name), rank if unit.ranked else None, notation)
            for rank, unit in enumerate(tally.units[:UNITS], start=1)
        ),
        number=len(tally.units),
        total=_unit(tally.whole, whole, None, notation),
        least=MIN_RANKED,
    )


def changes(month: Month, notation: Notation) -> Changes:
    """The flow of open items as a table that adds up; each step's bar begins where the one before it ended."""
    flow, words = month.tally.flow, notation.words
    steps = (
        ("new", "+", flow.new),
        ("relapsed", "+", flow.relapsed),
        ("mended", MINUS, flow.mended),
        ("neutral", MINUS, flow.neutral),
    )
    most = max(flow.before + flow.new + flow.relapsed, 1)
    level = flow.before
    rows = [_flow_row("before", "", flow.before, 0, most, notation)]
    for name, sign, number in steps:
        level += number if sign == "+" else -number
        start = level - number if sign == "+" else level
        rows.append(_flow_row(name, sign, number, start, most, notation))
    rows.append(_flow_row("after", "=", flow.after, 0, most, notation))
    return Changes(
        rows=tuple(rows),
        sentence=words(
            "month.flow.sentence",
            **{name: notation.number(number) for name, _, number in steps},
            before=notation.number(flow.before),
            after=notation.number(flow.after),
            since=notation.day(flow.since).text,
        ),
        retired=flow.after - month.tally.whole.items,
    )


def problems(month: Month, notation: Notation) -> Problems:
    """The rules that fail on most PCs."""
    failing = [rule for rule in month.tally.rules if rule.results[Result.FAIL]]
    return Problems(rows=tuple(_problem(rule, notation) for rule in failing[:PROBLEMS]), number=len(failing))


def remediation(month: Month, notation: Notation) -> Remediation:
    """The first items of the remediation list, and how many there are."""
    tally = month.tally
    responsible = tally.office.responsible
    return Remediation(
        rows=tuple(_item(item, responsible.get(item.pc.unit), notation) for item in tally.items[:ITEMS]),
        number=tally.whole.items,
        overdue=tally.whole.items_overdue,
        mended=tally.flow.mended,
    )


def silence(month: Month, notation: Notation) -> Silence:
    """The PCs that do not report: those that never did, then the longest silent."""
    tally, words = month.tally, notation.words
    silent = sorted((pc for pc in tally.pcs if pc.state is State.SILENT), key=_longest_silent)
    number = tally.whole.states[State.SILENT]
    shorter, longer = SILENCE_BANDS
    labels = {
        str(shorter): words("month.silence.upto", after=notation.days(tally.office.silent_after), days=shorter),
        str(longer): words("month.silence.between", first=shorter + 1, days=longer),
        "over": words("month.silence.over", days=longer),
        "never": words("month.silence.never"),
    }
    return Silence(
        bands=tuple(
            Band(labels[band], count, (piece("silent", 0, count, number),) if count else ())
            for band, count in tally.silence.items()
        ),
        rows=tuple(_silent(pc, notation) for pc in silent[:SILENT]),
        number=number,
    )


def definitions(month: Month, notation: Notation) -> Definitions:
    """The formulas with this month's values, the thresholds, and what the month cannot say."""
    tally, words = month.tally, notation.words
    whole, office = tally.whole, tally.office
    due = {severity: notation.counted("days", span // timedelta(days=1)) for severity, span in DUE_BY_SEVERITY.items()}
    limits = ["register", "waivers", "silence"]
    if month.before is not None and not month.comparable:
        limits.insert(0, "incomparable")
    return Definitions(
        terms=tuple(
            Term(words(f"month.term.{name}"), words(f"month.formula.{name}"), notation.share(rate))
            for name, rate in (
                ("confirmed", whole.confirmed),
                ("coverage", whole.coverage),
                ("checked", whole.checked),
                ("pass_rate", tally.pass_rate),
            )
        ),
        thresholds=(
            words("month.threshold.target", target=office.target),
            words("month.threshold.silent", after=notation.days(office.silent_after)),
            words("month.threshold.due", **due),
            words("month.threshold.relapsed"),
            words("month.threshold.ranked", pcs=notation.counted("pcs", MIN_RANKED)),
            words("month.threshold.zone", zone=notation.offset(tally.as_of)),
        ),
        limits=tuple(words(f"month.limit.{limit}") for limit in limits),
    )


def _unit(unit: UnitTally, before: UnitTally | None, rank: int | None, notation: Notation) -> UnitRow:
    confirmed = notation.share(unit.confirmed, before.confirmed if before else None)
    if unit.name is not None and not unit.ranked:
        confirmed = replace(confirmed, percent="-", change="")  # a percentage of so few would be read as a rank
    return UnitRow(
        rank=rank,
        name=inert(unit.name) if unit.name is not None else notation.words("month.units.total"),
        responsible=notation.named(unit.responsible),
        registered=unit.registered,
        compliant=unit.states[State.COMPLIANT],
        noncompliant=unit.states[State.NONCOMPLIANT],
        unknown=unit.states[State.UNKNOWN],
        silent=unit.states[State.SILENT],
        overdue=unit.overdue,
        confirmed=confirmed,
        bar=stacked([(state.value, unit.states[state]) for state in STATES], unit.registered),
    )


def _flow_row(name: str, sign: str, number: int, start: int, most: int, notation: Notation) -> FlowRow:
    kind = {"+": "added", MINUS: "removed"}.get(sign, "stock")
    return FlowRow(
        label=notation.words(f"month.flow.{name}"),
        sign=sign,
        number=number,
        explanation=notation.words(f"month.flow.{name}.explained"),
        bar=(piece(kind, start, number, most),) if number else (),
        sum=kind == "stock",
    )


def _problem(rule: RuleTally, notation: Notation) -> ProblemRow:
    words, failing = notation.words, rule.results[Result.FAIL]
    return ProblemRow(
        id=rule.rule.id,
        title=inert(words.of(rule.rule.title)),
        fix=inert(words.of(rule.rule.fix)),
        severity=words(f"month.severity.{rule.rule.severity}"),
        failing=failing,
        applicable=rule.applicable,
        undetermined=rule.undetermined,
        units=rule.units,
        overdue=rule.overdue,
        references=tuple(
            inert(f"{words.maybe(f'month.reference.{source}', source)} {notation.series(articles)}")
            for source, articles in rule.rule.references.items()
        ),
        bar=stacked([(State.NONCOMPLIANT.value, failing), ("rest", rule.applicable - failing)], rule.applicable),
    )


def _item(item: Item, responsible: str | None, notation: Notation) -> ItemRow:
    words, finding = notation.words, item.finding
    left = "overdue" if item.overdue else "left" if item.days_left else "today"
    return ItemRow(
        pc=inert(item.pc.name),
        unit=inert(item.pc.unit),
        responsible=notation.named(responsible),
        rule=item.rule.id,
        title=inert(words.of(item.rule.title)),
        severity=words(f"month.severity.{item.rule.severity}"),
        first_seen=notation.table_day(finding.first_seen),
        due=notation.table_day(finding.due),
        left=words(f"month.remediation.{left}", days=notation.counted("days", abs(item.days_left))),
        overdue=item.overdue,
        silent=item.silent,
        relapsed=finding.relapsed,
    )


def _silent(pc: PCTally, notation: Notation) -> SilentRow:
    reported = pc.pc.last_report
    return SilentRow(
        pc=inert(pc.pc.name),
        unit=inert(pc.pc.unit),
        responsible=notation.named(pc.responsible),
        last_report=None if reported is None else notation.table_moment(reported),
        days=pc.silent_days,
        items=len(pc.items),
    )


def _longest_silent(pc: PCTally) -> tuple[bool, int, str, str]:
    return pc.silent_days is not None, -(pc.silent_days or 0), pc.pc.name, pc.pc.id
