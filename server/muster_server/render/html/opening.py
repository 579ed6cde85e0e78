"""The first page: head, conclusion, what is asked of whom, and the four numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice

from muster_server.render.html.context import Action, Conclusion, Head, PolicyLine, Tile
from muster_server.render.html.notation import Notation
from muster_server.render.inert import inert
from muster_server.tally import Month, Rate, State, Tally, UnitTally

ACTIONS = 3  # more are not read (reports.md §3.2)
DIGEST = 12  # hex digits of a policy's digest that are printed


def head(month: Month, notation: Notation, report_id: str) -> Head:
    """Who reports what, as of when, by which policies."""
    tally = month.tally
    words = notation.words
    return Head(
        office=inert(words.of(tally.office.name)),
        month=notation.month(month.name),
        over=month.over,
        as_of=notation.moment(tally.as_of),
        zone=notation.offset(tally.as_of),
        last_report=None if tally.last_report is None else notation.moment(tally.last_report),
        policies=tuple(
            PolicyLine(inert(words.of(policy.title)), policy.id, inert(policy.version), policy.digest[:DIGEST])
            for policy in tally.policies
        ),
        report_id=report_id,
        simulated=tally.simulated,
        registered=tally.whole.registered,
    )


def conclusion(month: Month, notation: Notation) -> Conclusion:
    """The answer: met or missed, n of N, the change, and what is not known."""
    whole, words = month.tally.whole, notation.words
    before = earlier(month)
    target = month.tally.office.target
    if not whole.registered:
        kind, clauses = "empty", [words("month.conclusion.empty")]
    else:
        kind = "met" if whole.confirmed.meets(target) else "missed"
        clauses = [
            words(
                f"month.conclusion.{kind}",
                pcs=notation.counted("registered", whole.registered),
                compliant=notation.number(whole.states[State.COMPLIANT]),
                percent=whole.confirmed.percent(),
                target=target,
            )
        ]
        change = notation.share(whole.confirmed, before.confirmed if before else None).change
        if change:
            clauses.append(words("month.change.points", change=change))
        silent, unknown = whole.states[State.SILENT], whole.states[State.UNKNOWN]
        unclear = [
            notation.counted(noun, number)
            for noun, number in (("silent_pcs", silent), ("unknown_pcs", unknown))
            if number
        ]
        if unclear:
            clauses.append(words("month.conclusion.unclear", unclear=notation.joined(unclear)))
    return Conclusion(
        kind=kind,
        sentence=words("month.clauses").join(clauses) + words("month.stop"),
        confirmed=notation.share(whole.confirmed),
        coverage=notation.share(whole.coverage),
        checked=notation.share(whole.checked),
    )


def actions(month: Month, notation: Notation) -> tuple[Action, ...]:
    """At most three things asked of the unit that can do most about them, in order of urgency."""
    tally = month.tally
    asked = (ask(tally, notation) for ask in (_overdue, _silent, _next_due, _undetermined))
    return tuple(islice((action for action in asked if action), ACTIONS))


def tiles(month: Month, notation: Notation) -> tuple[Tile, ...]:
    """Confirmed compliance, coverage, open items, and the PCs nothing can be said of."""
    whole, target = month.tally.whole, month.tally.office.target
    words = notation.words
    before = month.before.whole if month.before else None
    unclear = _unclear(whole)
    rates = (
        ("confirmed", whole.confirmed, before.confirmed if before else None),
        ("coverage", whole.coverage, before.coverage if before else None),
    )
    shown = [
        Tile(
            label=words(f"month.term.{name}"),
            value=rate.percent(),
            detail=words(f"month.tile.{name}", n=notation.number(rate.n), of=_pcs(notation, rate.of), target=target),
            change=_points(month, notation, rate, then),
        )
        for name, rate, then in rates
    ]
    shown.append(
        Tile(
            label=words("month.tile.items"),
            value=notation.counted("items", whole.items),
            detail=words(
                "month.tile.items_overdue",
                items=notation.counted("items", whole.items_overdue),
                pcs=_pcs(notation, whole.overdue),
            ),
            change=_count(month, notation, lambda unit: unit.items),
        )
    )
    shown.append(
        Tile(
            label=words("month.tile.unclear"),
            value=f"{notation.number(unclear)}/{notation.number(whole.registered)}",
            detail=words(
                "month.tile.unclear_parts",
                unknown=notation.number(whole.states[State.UNKNOWN]),
                silent=notation.number(whole.states[State.SILENT]),
            ),
            change=_count(month, notation, _unclear),
        )
    )
    return tuple(shown)


def earlier(month: Month) -> UnitTally | None:
    """The office at the end of the month before, where it may be compared with."""
    return month.before.whole if month.before and month.comparable else None


def _pcs(notation: Notation, number: int) -> str:
    return notation.counted("pcs", number)


def _unclear(unit: UnitTally) -> int:
    return unit.states[State.UNKNOWN] + unit.states[State.SILENT]


def _points(month: Month, notation: Notation, now: Rate, then: Rate | None) -> str:
    change = "" if then is None else notation.share(now, then).change
    if not change:
        return notation.words("month.change.no_month")
    return notation.words("month.change.points" if month.comparable else "month.change.incomparable", change=change)


def _count(month: Month, notation: Notation, count: Callable[[UnitTally], int]) -> str:
    if month.before is None or not month.before.whole.registered:
        return notation.words("month.change.no_month")
    change = notation.signed(count(month.tally.whole) - count(month.before.whole))
    return notation.words("month.change.count" if month.comparable else "month.change.incomparable", change=change)


def _unit_with_most(tally: Tally, count: Callable[[UnitTally], int]) -> UnitTally:
    return min(tally.units, key=lambda unit: (-count(unit), unit.name or ""))


def _action(notation: Notation, kind: str, unit: UnitTally, date: datetime | None, **values: str) -> Action:
    return Action(
        matter=notation.words(f"month.action.{kind}", **values),
        unit=inert(unit.name or ""),
        responsible=notation.named(unit.responsible),
        date_label=notation.words(f"month.action.{kind}.date"),
        date=None if date is None else notation.table_day(date),
    )


def _overdue(tally: Tally, notation: Notation) -> Action | None:
    if not tally.whole.items_overdue:
        return None
    unit = _unit_with_most(tally, lambda unit: unit.items_overdue)
    first = next(item for item in tally.items if item.pc.unit == unit.name)  # the items are sorted by their due dates
    return _action(
        notation,
        "overdue",
        unit,
        first.finding.due,
        items=notation.counted("items", unit.items_overdue),
        all=notation.counted("items", tally.whole.items_overdue),
    )


def _silent(tally: Tally, notation: Notation) -> Action | None:
    if not tally.whole.states[State.SILENT]:
        return None
    unit = _unit_with_most(tally, lambda unit: unit.states[State.SILENT])
    quiet = [pc.pc.last_report for pc in tally.pcs if pc.state is State.SILENT and pc.pc.unit == unit.name]
    reported = [moment for moment in quiet if moment is not None]
    return _action(
        notation,
        "silent" if len(reported) == len(quiet) else "never",
        unit,
        min(reported) if len(reported) == len(quiet) else None,
        pcs=_pcs(notation, unit.states[State.SILENT]),
        all=_pcs(notation, tally.whole.states[State.SILENT]),
    )


def _next_due(tally: Tally, notation: Notation) -> Action | None:
    item = next((item for item in tally.items if not item.overdue and not item.silent), None)
    if item is None:
        return None
    unit = next(unit for unit in tally.units if unit.name == item.pc.unit)
    return _action(
        notation,
        "next",
        unit,
        item.finding.due,
        pc=inert(item.pc.name),
        rule=item.rule.id,
        title=inert(notation.words.of(item.rule.title)),
    )


def _undetermined(tally: Tally, notation: Notation) -> Action | None:
    if not tally.whole.states[State.UNKNOWN]:
        return None
    unit = _unit_with_most(tally, lambda unit: unit.states[State.UNKNOWN])
    return _action(
        notation,
        "unknown",
        unit,
        tally.as_of,
        pcs=_pcs(notation, unit.states[State.UNKNOWN]),
        all=_pcs(notation, tally.whole.states[State.UNKNOWN]),
    )
