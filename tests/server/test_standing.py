"""What a PC is told of itself: what is open by the policies in force, bounded, and never more than is known."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from muster_agent.sending.judged import OPEN_LIMIT, SIZE_LIMIT, TEXT_LIMIT, parsed
from muster_server.judge.findings import rules_of
from muster_server.judge.verdict import Result
from muster_server.standing import Standings, told

ID = "00000000-0000-4000-8000-000000000000"


def tables(offices: Any) -> Any:
    """Facts of a PC that has reported."""
    from muster_agent.facts import OsVersion, Table

    return {"os_version": Table((OsVersion(name="Debian", platform="debian", major=12),))}


def test_open_findings_are_told_with_what_to_do_the_most_urgent_first(offices: Any) -> None:
    rules = rules_of([offices.policy(offices.rule("A-1", "low"), offices.rule("B-2", "high"), offices.rule("C-3"))])
    found = [offices.finding(ID, "A-1", offices.now, days=1, severity="low"), offices.finding(ID, "B-2", offices.now)]
    verdicts = [
        offices.verdict("A-1", Result.FAIL),
        offices.verdict("B-2", Result.FAIL),
        offices.verdict("C-3", Result.UNKNOWN),
    ]
    one = offices.judged(ID, verdicts, found, tables=tables(offices))
    said = told(one, rules, offices.now)
    assert (said["as_of"], said["count"], said["unknown"]) == ("2026-11-24T01:00:00Z", 2, 1)
    assert [(each["rule"], each["severity"], each["due"]) for each in said["open"]] == [
        ("A-1", "low", "2026-11-25T01:00:00Z"),
        ("B-2", "high", "2026-12-09T01:00:00Z"),
    ]
    assert said["open"][0]["fix"] == {"zh": "请整改。", "en": "Mend it."}
    understood = parsed(json.loads(json.dumps(said)))
    assert understood is not None and understood.count == 2


def test_what_could_not_be_told_is_counted_and_so_is_an_error(offices: Any) -> None:
    rules = rules_of([offices.policy(*(offices.rule(name) for name in "ABCDE"))])
    results = (Result.PASS, Result.UNKNOWN, Result.ERROR, Result.NOT_APPLICABLE, Result.FAIL)
    verdicts = [offices.verdict(name, result) for name, result in zip("ABCDE", results, strict=True)]
    assert told(offices.judged(ID, verdicts, tables=tables(offices)), rules, offices.now)["unknown"] == 2


def test_a_finding_whose_rule_is_in_force_no_more_asks_nothing(offices: Any) -> None:
    one = offices.judged(ID, [], [offices.finding(ID, "GONE-1", offices.now)], tables=tables(offices))
    said = told(one, {}, offices.now)
    assert (said["count"], said["open"]) == (0, ())


def test_a_pc_that_never_reported_is_told_nothing(offices: Any) -> None:
    standings = Standings()
    standings.update([offices.judged(ID, reported=None)], {}, offices.now)
    assert standings.of(ID) is None
    standings.update([offices.judged(ID, tables=tables(offices))], {}, offices.now)
    assert standings.of(ID) is not None
    assert standings.of("another") is None


def test_however_much_is_open_the_answer_stays_small_and_says_how_much_there_is(offices: Any) -> None:
    text = {"zh": "长" * 5000 + "\ud83d", "en": "long " * 2000}
    rules = rules_of([offices.policy(*(offices.rule(f"R-{n}", title=text, fix=text) for n in range(300)))])
    found = [offices.finding(ID, f"R-{n}", offices.now + timedelta(minutes=n)) for n in range(300)]
    said = told(offices.judged(ID, [], found, tables=tables(offices)), rules, offices.now)
    assert len(json.dumps(said, ensure_ascii=False).encode()) < SIZE_LIMIT + 1000
    assert said["count"] == 300
    assert 0 < len(said["open"]) <= OPEN_LIMIT
    assert all(len(each["title"]["zh"]) <= TEXT_LIMIT for each in said["open"])
    assert parsed(json.loads(json.dumps(said))) is not None


def test_short_findings_are_told_up_to_the_limit(offices: Any) -> None:
    rules = rules_of([offices.policy(*(offices.rule(f"R-{n}") for n in range(300)))])
    found = [offices.finding(ID, f"R-{n}", offices.now) for n in range(300)]
    said = told(offices.judged(ID, [], found, tables=tables(offices)), rules, offices.now)
    assert len(said["open"]) == OPEN_LIMIT
