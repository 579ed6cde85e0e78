"""The life of a finding."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from muster_server.judge.findings import advance, open_findings
from muster_server.judge.policy import Rule
from muster_server.judge.verdict import Reason, Result, Verdict
from muster_server.subject import Finding

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
RULE = Rule("R-1", {}, "high", "any", "antivirus", None, None, {}, {}, (), 15 * DAY, {})
RULES = {"R-1": RULE}
OTHERS = [Result.UNKNOWN, Result.ERROR, Result.NOT_CHECKED]


def at(day: int) -> datetime:
    return START + day * DAY


def step(findings: tuple[Finding, ...], result: Result, day: int) -> tuple[Finding, ...]:
    return advance("pc", findings, [Verdict("R-1", result, Reason("x", {}))], RULES, at(day))


def test_a_failure_opens_with_its_due_day() -> None:
    assert step((), Result.FAIL, 0) == (Finding("pc", "R-1", "high", at(0), at(0), at(15)),)


@pytest.mark.parametrize("result", [Result.PASS, Result.NOT_APPLICABLE, *OTHERS])
def test_nothing_else_opens(result: Result) -> None:
    assert step((), result, 0) == ()


def test_it_stays_the_same_while_it_fails() -> None:
    once = step((), Result.FAIL, 0)
    assert step(once, Result.FAIL, 40) == once


@pytest.mark.parametrize("result", OTHERS)
def test_not_knowing_mends_nothing(result: Result) -> None:
    once = step((), Result.FAIL, 0)
    assert step(once, result, 5) == once


def test_silence_mends_nothing() -> None:
    once = step((), Result.FAIL, 0)
    assert advance("pc", once, [], RULES, at(100)) == once


def test_only_a_pass_closes() -> None:
    (closed,) = step(step((), Result.FAIL, 0), Result.PASS, 5)
    assert (closed.closed, closed.neutral, closed.first_seen) == (at(5), False, at(0))
    assert open_findings([closed]) == {}


def test_no_longer_applying_closes_as_neutral() -> None:
    (closed,) = step(step((), Result.FAIL, 0), Result.NOT_APPLICABLE, 5)
    assert (closed.closed, closed.neutral) == (at(5), True)


def test_a_relapse_within_90_days_is_a_new_episode_that_keeps_the_first_day() -> None:
    mended = step(step((), Result.FAIL, 0), Result.PASS, 5)
    old, new = step(mended, Result.FAIL, 95)
    assert old == mended[0]
    assert new == Finding("pc", "R-1", "high", at(0), at(95), at(110), relapsed=True)
    assert open_findings((old, new)) == {"R-1": new}
    assert step((old, new), Result.FAIL, 100) == (old, new)
    assert step((old, new), Result.PASS, 101)[1].closed == at(101)


def test_after_90_days_it_is_a_new_finding() -> None:
    mended = step(step((), Result.FAIL, 0), Result.PASS, 5)
    assert step(mended, Result.FAIL, 96)[1] == Finding("pc", "R-1", "high", at(96), at(96), at(111))


def test_what_closed_as_neutral_was_not_mended_so_it_does_not_relapse() -> None:
    neutral = step(step((), Result.FAIL, 0), Result.NOT_APPLICABLE, 5)
    new = step(neutral, Result.FAIL, 10)[1]
    assert (new.first_seen, new.opened, new.relapsed) == (at(0), at(10), False)


def test_a_late_old_report_does_not_rewrite_history() -> None:
    failing = step((), Result.FAIL, 10)
    assert step(failing, Result.PASS, 9) == failing
    mended = step(failing, Result.PASS, 20)
    assert step(mended, Result.FAIL, 15) == mended
    assert step(mended, Result.FAIL, 20) == mended  # the same moment, judged again


def test_the_order_in_which_findings_come_does_not_matter() -> None:
    one = step(step((), Result.FAIL, 0), Result.PASS, 5)
    two = step(one, Result.FAIL, 10)
    assert set(step(two[::-1], Result.PASS, 11)) == set(step(two, Result.PASS, 11))


def test_a_rule_that_is_in_no_policy_leaves_its_finding_alone() -> None:
    gone = Finding("pc", "OLD-1", "low", at(0), at(0), at(60))
    assert advance("pc", [gone], [Verdict("R-1", Result.PASS, Reason("x", {}))], RULES, at(9)) == (gone,)


def test_findings_of_another_pc_are_refused() -> None:
    with pytest.raises(ValueError, match="among those of"):
        advance("pc", [Finding("other", "R-1", "high", at(0), at(0), at(1))], [], RULES, at(2))


def test_looking_is_storing_without_storing() -> None:
    before = step((), Result.FAIL, 0)
    kept = list(before)
    step(before, Result.PASS, 5)
    assert list(before) == kept  # frozen values: whoever only looks has changed nothing
