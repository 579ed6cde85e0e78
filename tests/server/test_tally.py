"""The numbers: what adds up, what can never be made to look better, and what rounding may not say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_server.judge.verdict import Result
from muster_server.tally import Rate, State, Tally

RESULTS = st.sampled_from(list(Result))
# One PC: the results of two rules, hours since its last report (None: never), and whether two machines use its key.
PCS = st.tuples(RESULTS, RESULTS, st.none() | st.integers(0, 500), st.booleans(), st.sampled_from(["信息科", "财务科"]))


def office(offices: Any, drawn: list[Any], off: int | None = None) -> Tally:
    """The drawn PCs; the one numbered ``off`` was switched off for a month, and everything else is as it was."""
    pcs = []
    for n, (first, second, hours, conflict, unit) in enumerate(drawn):
        reported = None if hours is None else offices.now - timedelta(hours=hours)
        if n == off and reported is not None:
            reported -= timedelta(days=30)
        results = {"AV-001": first, "PA-001": second}
        verdicts = [offices.verdict(rule, result) for rule, result in results.items()]
        opened = offices.now - timedelta(days=n + 10)
        findings = [offices.finding(str(n), rule, opened) for rule, result in results.items() if result is Result.FAIL]
        pcs.append(offices.judged(str(n), verdicts, findings, unit=unit, reported=reported, conflict=conflict))
    return offices.tally(pcs, [offices.rule("AV-001"), offices.rule("PA-001")])


@given(st.lists(PCS, max_size=25))
def test_the_states_add_up_to_the_registered_pcs_in_the_office_and_over_the_units(
    offices: Any, drawn: list[Any]
) -> None:
    tally = office(offices, drawn)
    assert sum(tally.whole.states.values()) == tally.whole.registered == len(drawn)
    for state in State:
        assert sum(unit.states[state] for unit in tally.units) == tally.whole.states[state]
    assert sum(tally.whole.overdue_in.values()) == tally.whole.overdue
    for state in State:
        assert tally.whole.overdue_in[state] <= tally.whole.states[state]


@given(st.lists(PCS, min_size=1, max_size=25))
def test_confirmed_is_exactly_coverage_times_checked(offices: Any, drawn: list[Any]) -> None:
    whole = office(offices, drawn).whole
    confirmed = Fraction(whole.confirmed.n, whole.confirmed.of)
    coverage = Fraction(whole.coverage.n, whole.coverage.of)
    checked = Fraction(whole.checked.n, whole.checked.of) if whole.checked.of else Fraction(0)
    assert confirmed == coverage * checked


@given(st.lists(PCS, min_size=1, max_size=25), st.data())
def test_switching_a_pc_off_never_raises_the_headline(offices: Any, drawn: list[Any], data: st.DataObject) -> None:
    off = data.draw(st.integers(0, len(drawn) - 1))
    before, after = office(offices, drawn), office(offices, drawn, off)
    assert after.whole.confirmed.n <= before.whole.confirmed.n
    assert after.whole.registered == before.whole.registered


@given(st.lists(PCS, min_size=1, max_size=25), st.data())
def test_a_rule_that_can_no_longer_be_told_never_raises_the_headline(
    offices: Any, drawn: list[Any], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(drawn) - 1))
    doubtful = list(drawn)
    doubtful[at] = (data.draw(st.sampled_from([Result.ERROR, Result.UNKNOWN, Result.NOT_CHECKED])), *drawn[at][1:])
    assert office(offices, doubtful).whole.confirmed.n <= office(offices, drawn).whole.confirmed.n


@given(st.lists(PCS, max_size=25))
def test_the_items_are_what_the_flow_ends_with(offices: Any, drawn: list[Any]) -> None:
    tally = office(offices, drawn)
    assert tally.flow.after == tally.whole.items == len(tally.items)


DAYS = st.integers(-60, 24)


@given(
    st.lists(st.tuples(DAYS, st.booleans()), max_size=20),
    st.lists(st.tuples(DAYS, st.integers(1, 60), st.booleans(), st.booleans()), max_size=20),
)
def test_the_flow_adds_up(offices: Any, open_now: list[Any], closed: list[Any]) -> None:
    start = offices.now.replace(day=1, hour=0)
    still = [
        offices.finding("x", "AV-001", min(start + timedelta(days=day), offices.now), relapsed=relapsed)
        for day, relapsed in open_now
    ]
    pcs = [offices.judged(str(n), [offices.verdict("AV-001", Result.FAIL)], [one]) for n, one in enumerate(still)]
    over = []
    for day, lasted, relapsed, neutral in closed:
        opened = min(start + timedelta(days=day), offices.now - timedelta(hours=1))
        ended = min(opened + timedelta(days=lasted), offices.now)
        over.append(offices.finding("y", "AV-001", opened, closed=ended, relapsed=relapsed, neutral=neutral))
    flow = offices.tally(pcs, history=over).flow
    assert flow.before + flow.new + flow.relapsed - flow.mended - flow.neutral == flow.after == len(still)
    assert min(flow.before, flow.new, flow.relapsed, flow.mended, flow.neutral) >= 0


def test_a_finding_of_a_retired_rule_is_neither_an_item_nor_in_the_flow(offices: Any) -> None:
    old = offices.finding("1", "OLD-001", offices.now - timedelta(days=40))
    pc = offices.judged("1", [offices.verdict("AV-001")], [old])
    mended = replace(old, closed=offices.now - timedelta(days=1))
    tally = offices.tally([pc], history=[mended])
    assert (tally.items, tally.flow.before, tally.flow.mended, tally.flow.after) == ((), 0, 0, 0)


@given(st.integers(1, 100_000), st.data())
def test_rounding_says_all_only_of_all_and_none_only_of_none(of: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, of) | st.sampled_from([0, 1, max(of - 1, 0), of]))
    rate = Rate(n, of)
    assert (rate.percent() == "100.0%") == (n == of)
    assert (rate.percent() == "0.0%") == (n == 0)
    tenths = rate.tenths()
    assert tenths is not None and abs(Fraction(tenths, 10) - Fraction(100 * n, of)) < Fraction(1, 10)


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 100))
def test_what_is_missing_is_the_least_that_meets_the_target(n: int, more: int, target: int) -> None:
    rate = Rate(n, n + more)
    missing = rate.missing(target)
    assert (missing == 0) == (rate.meets(target) or rate.of == 0)
    assert rate.of == 0 or Rate(n + missing, rate.of).meets(target)
    assert missing == 0 or not Rate(n + missing - 1, rate.of).meets(target)


def test_nothing_of_nothing_meets_no_target() -> None:
    assert not Rate(0, 0).meets(1)
    assert Rate(0, 0).percent() == "-"


def test_a_rate_that_rounds_up_to_the_target_does_not_meet_it() -> None:
    rate = Rate(8999, 10_000)
    assert rate.percent() == "90.0%"
    assert not rate.meets(90)
    assert rate.missing(90) == 1


@pytest.mark.parametrize(
    ("hours", "days_left", "overdue"),
    [
        (-34, -2, True),  # 23:00 the day before yesterday
        (-10, -1, True),  # 23:00 yesterday
        (-8, 0, False),  # 01:00 today: its date is today's, so it is due today
        (0, 0, False),
        (14, 0, False),  # 23:00 today
        (15, 1, False),  # 00:00 tomorrow
        (24, 1, False),
    ],
)
def test_a_deadline_is_a_day_in_the_offices_zone(offices: Any, hours: int, days_left: int, overdue: bool) -> None:
    due = offices.now + timedelta(hours=hours)  # it is 09:00 there
    opened = due - timedelta(days=15)
    finding = offices.finding("1", "AV-001", opened, 15)
    pc = offices.judged("1", [offices.verdict("AV-001", Result.FAIL)], [finding])
    (item,) = offices.tally([pc]).items
    assert (item.days_left, item.overdue) == (days_left, overdue)


def test_a_silent_pc_keeps_its_items_and_its_overdue_is_told_apart(offices: Any) -> None:
    finding = offices.finding("1", "AV-001", offices.now - timedelta(days=40))
    quiet = offices.now - timedelta(days=20)
    pc = offices.judged("1", [offices.verdict("AV-001", Result.FAIL)], [finding], reported=quiet)
    tally = offices.tally([pc])
    assert tally.whole.states[State.SILENT] == 1
    (item,) = tally.items
    assert item.silent and item.overdue and item.verdict is None
    assert tally.whole.overdue_in == {**dict.fromkeys(State, 0), State.SILENT: 1}
    assert tally.rules[0].results[Result.FAIL] == 0
    assert tally.rules[0].overdue == 1


def test_silence_begins_after_the_threshold_not_at_it(offices: Any) -> None:
    verdicts = [offices.verdict("AV-001")]
    at = offices.judged("1", verdicts, reported=offices.now - timedelta(days=7))
    beyond = offices.judged("2", verdicts, reported=offices.now - timedelta(days=7, seconds=1))
    states = {pc.pc.id: pc.state for pc in offices.tally([at, beyond]).pcs}
    assert states == {"1": State.COMPLIANT, "2": State.SILENT}


def test_a_pc_whose_key_two_machines_use_is_not_compliant(offices: Any) -> None:
    (pc,) = offices.tally([offices.judged("1", [offices.verdict("AV-001")], conflict=True)]).pcs
    assert pc.state is State.UNKNOWN


def test_a_pc_to_which_no_rule_applies_has_confirmed_nothing(offices: Any) -> None:
    (pc,) = offices.tally([offices.judged("1", [offices.verdict("AV-001", Result.NOT_APPLICABLE)])]).pcs
    assert pc.state is State.UNKNOWN


def test_without_any_policy_no_pc_is_compliant(offices: Any) -> None:
    tally = offices.tally([offices.judged("1")], rules=[])
    assert tally.whole.states[State.UNKNOWN] == 1
    assert not tally.whole.confirmed.meets(1)


def test_a_rule_names_its_units_and_the_pcs_it_cannot_be_told_on(offices: Any) -> None:
    fail, unknown = offices.verdict("AV-001", Result.FAIL), offices.verdict("AV-001", Result.UNKNOWN)
    late = offices.finding("1", "AV-001", offices.now - timedelta(days=40))
    fresh = offices.finding("2", "AV-001", offices.now - timedelta(days=1))
    pcs = [
        offices.judged("1", [fail], [late], unit="财务科"),
        offices.judged("2", [fail], [fresh], unit="财务科"),
        offices.judged("3", [fail], unit="信息科"),
        offices.judged("4", [unknown], unit="信息科"),
        offices.judged("5", [unknown], unit="信息科", reported=offices.now - timedelta(days=30)),
    ]
    (rule,) = offices.tally(pcs, responsible={"财务科": "周杰"}).rules
    assert [(part.name, part.responsible, part.failing, part.overdue) for part in rule.by_unit] == [
        ("财务科", "周杰", 2, 1),
        ("信息科", None, 1, 0),
    ]
    assert sum(part.failing for part in rule.by_unit) == rule.results[Result.FAIL] == len(rule.failing)
    assert [pc.pc.id for pc in rule.unclear] == ["4"]


def test_the_most_urgent_pc_comes_first_and_small_units_come_last(offices: Any) -> None:
    tally = offices.bureau()
    left = [pc.days_left for pc in tally.pcs if pc.state is State.NONCOMPLIANT]
    assert left == sorted(day for day in left if day is not None)
    ranked = [unit.ranked for unit in tally.units]
    assert ranked == sorted(ranked, reverse=True)
    assert len(set(ranked)) == 2


def test_B39_names_that_only_look_alike_are_listed_each_with_its_id(offices: Any) -> None:
    names = ("PC-1", "pc-1", "ＰＣ-1", "PC-\u00e9", "PC-e\u0301", "PC-2")  # case, full width, two forms of é
    pcs = [offices.judged(f"{n:08x}-0000-4000-8000-000000000000", name=name) for n, name in enumerate(names)]
    shown = sorted(one.pc.name for one in offices.tally(pcs).pcs)
    assert len(set(shown)) == 6
    assert [name for name in shown if not name.endswith(")")] == ["PC-2"]
