"""Count an office: judged PCs in, a tally out; a pure function."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from muster_server.judge.policy import SEVERITIES, Policy, Rule
from muster_server.judge.verdict import Judged, Result
from muster_server.office import Office
from muster_server.subject import Finding
from muster_server.tally.numbers import (
    RATED,
    UNDETERMINED,
    Flow,
    Item,
    PCTally,
    Rate,
    RuleTally,
    RuleUnit,
    State,
    Tally,
    UnitTally,
)


def tally(
    judged: Sequence[Judged],
    policies: Sequence[Policy],
    office: Office,
    as_of: datetime,
    history: Iterable[Finding] = (),
    since: datetime | None = None,
) -> Tally:
    """Count ``judged`` (every registered PC) as of ``as_of``.

    ``history`` are the findings that were closed, ``since`` is where the flow begins: the start of the month unless
    given.
    """
    rules = {rule.id: rule for policy in policies for rule in policy.rules}
    since = since or as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    pcs = sorted((_pc(one, rules, office, as_of) for one in _told_apart(judged)), key=_urgency)
    # The flow speaks of the rules in force, like the items: a finding of a retired rule is neither open nor mended.
    findings = [finding for one in judged for finding in one.findings.values() if finding.rule in rules]
    closed = [finding for finding in history if finding.rule in rules]
    results = Counter(verdict.result for pc in pcs if pc.state is not State.SILENT for verdict in pc.verdicts)
    return Tally(
        as_of=as_of,
        office=office,
        policies=tuple(policies),
        whole=_unit(None, None, pcs),
        units=tuple(sorted(_units(office, pcs), key=_worst_first)),
        pcs=tuple(pcs),
        rules=tuple(sorted(_rules(rules.values(), pcs), key=_most_failing)),
        items=tuple(sorted((item for pc in pcs for item in pc.items), key=_due)),
        pass_rate=Rate(results[Result.PASS], sum(results[result] for result in RATED)),
        flow=flow(findings, closed, since, as_of),
        simulated=sum("simulated" in pc.pc.tags for pc in pcs),
        last_report=max((pc.pc.last_report for pc in pcs if pc.pc.last_report), default=None),
    )


def _told_apart(judged: Sequence[Judged]) -> list[Judged]:
    """The PCs, with a piece of the id behind a name that several bear: however alike they look, nobody may mix them."""
    alike = Counter(_folded(one.pc.name) for one in judged)
    return [one if alike[_folded(one.pc.name)] == 1 else _with_id(one) for one in judged]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _with_id(one: Judged) -> Judged:
    pc = replace(one.pc, name=f"{one.pc.name} ({one.pc.id[:8]})")
    return replace(one, subject=replace(one.subject, pc=pc))


def flow(open_now: Iterable[Finding], closed: Iterable[Finding], since: datetime, until: datetime) -> Flow:
    """Count how the open findings moved from ``since`` to ``until``."""
    every = [*open_now, *closed]
    at_start = [f for f in every if f.opened < since and (f.closed is None or f.closed >= since)]
    opened = [f for f in every if since <= f.opened <= until]
    ended = [f for f in every if f.closed is not None and since <= f.closed <= until]
    mended = sum(not f.neutral for f in ended)
    return Flow(
        since=since,
        before=len(at_start),
        new=sum(not f.relapsed for f in opened),
        relapsed=sum(f.relapsed for f in opened),
        mended=mended,
        neutral=len(ended) - mended,
        after=len(at_start) + len(opened) - len(ended),
    )


def _state(judged: Judged, silent: bool) -> State:
    if silent:
        return State.SILENT
    results = {verdict.result for verdict in judged.verdicts}
    if Result.FAIL in results:
        return State.NONCOMPLIANT
    # A PC whose key two machines use, or to which no rule applied at all, has confirmed nothing.
    if judged.pc.conflict or Result.PASS not in results or results.intersection((*UNDETERMINED, Result.NOT_CHECKED)):
        return State.UNKNOWN
    return State.COMPLIANT


def _pc(judged: Judged, rules: dict[str, Rule], office: Office, as_of: datetime) -> PCTally:
    pc = judged.pc
    quiet = None if pc.last_report is None else as_of - pc.last_report
    silent = quiet is None or quiet > office.silent_after
    verdicts = {verdict.rule: verdict for verdict in judged.verdicts}
    items = [
        Item(
            pc=pc,
            rule=rules[finding.rule],
            verdict=None if silent else verdicts.get(finding.rule),
            finding=finding,
            # A deadline is a day, not an hour: nobody is overdue on the date that stands in the column "due".
            days_left=(finding.due.astimezone(as_of.tzinfo).date() - as_of.date()).days,
            silent=silent,
        )
        for finding in judged.findings.values()
        if finding.rule in rules
    ]
    counted = Counter(verdict.result for verdict in judged.verdicts)
    return PCTally(
        judged=judged,
        state=_state(judged, silent),
        responsible=office.responsible.get(pc.unit),
        silent_days=None if quiet is None else max(quiet // timedelta(days=1), 0),
        verdicts=judged.verdicts,
        items=tuple(sorted(items, key=_due)),
        passed=counted[Result.PASS],
        undetermined=sum(counted[result] for result in UNDETERMINED),
        not_applicable=counted[Result.NOT_APPLICABLE],
    )


def _unit(name: str | None, responsible: str | None, pcs: Sequence[PCTally]) -> UnitTally:
    counted = Counter(pc.state for pc in pcs)
    return UnitTally(
        name=name,
        responsible=responsible,
        registered=len(pcs),
        states={state: counted[state] for state in State},
        overdue=sum(pc.overdue for pc in pcs),
        items=sum(len(pc.items) for pc in pcs),
        items_overdue=sum(item.overdue for pc in pcs for item in pc.items),
        overdue_in={state: sum(pc.overdue for pc in pcs if pc.state is state) for state in State},
    )


def _rules(rules: Iterable[Rule], pcs: Sequence[PCTally]) -> list[RuleTally]:
    results: dict[str, list[tuple[PCTally, Result]]] = defaultdict(list)
    overdue: Counter[str] = Counter()
    for pc in pcs:
        overdue.update(item.rule.id for item in pc.items if item.overdue)
        if pc.state is not State.SILENT:
            for verdict in pc.verdicts:
                results[verdict.rule].append((pc, verdict.result))
    return [_rule(rule, results[rule.id], overdue[rule.id]) for rule in rules]


def _rule(rule: Rule, results: Sequence[tuple[PCTally, Result]], overdue: int) -> RuleTally:
    counted = Counter(result for _, result in results)
    failing = tuple(pc for pc, result in results if result is Result.FAIL)
    return RuleTally(
        rule=rule,
        results={result: counted[result] for result in Result},
        overdue=overdue,
        failing=failing,
        units=len({pc.pc.unit for pc in failing}),
        unclear=tuple(pc for pc, result in results if result in UNDETERMINED),
        by_unit=tuple(sorted(_rule_units(rule, failing), key=lambda unit: (-unit.failing, -unit.overdue, unit.name))),
    )


def _rule_units(rule: Rule, failing: Sequence[PCTally]) -> list[RuleUnit]:
    members: dict[str, list[PCTally]] = defaultdict(list)
    for pc in failing:
        members[pc.pc.unit].append(pc)
    return [
        RuleUnit(
            name=name,
            responsible=mine[0].responsible,
            failing=len(mine),
            overdue=sum(item.overdue for pc in mine for item in pc.items if item.rule.id == rule.id),
        )
        for name, mine in members.items()
    ]


def _units(office: Office, pcs: Sequence[PCTally]) -> list[UnitTally]:
    members: dict[str, list[PCTally]] = defaultdict(list)
    for pc in pcs:
        members[pc.pc.unit].append(pc)
    return [_unit(name, office.responsible.get(name), mine) for name, mine in members.items()]


def _severity(item: Item) -> int:
    return SEVERITIES.index(item.rule.severity)


def _due(item: Item) -> tuple[int, int, str, str]:
    return item.days_left, _severity(item), item.pc.name, item.rule.id


def _urgency(pc: PCTally) -> tuple[int, int, int, int, str, str]:
    order = (State.NONCOMPLIANT, State.SILENT, State.UNKNOWN, State.COMPLIANT)
    first = min((_severity(item) for item in pc.items), default=len(SEVERITIES))
    left = pc.days_left
    return order.index(pc.state), 10**6 if left is None else left, first, -len(pc.items), pc.pc.name, pc.pc.id


def _worst_first(unit: UnitTally) -> tuple[bool, int, int, str]:
    if not unit.ranked:  # by counts: a rate of so few says nothing
        return True, -unit.overdue, -unit.states[State.NONCOMPLIANT], unit.name or ""
    return False, unit.confirmed.tenths() or 0, -unit.overdue, unit.name or ""


def _most_failing(rule: RuleTally) -> tuple[int, int, int, str]:
    return (
        -rule.results[Result.FAIL],
        SEVERITIES.index(rule.rule.severity),
        -rule.undetermined,
        rule.rule.id,
    )
