"""What a PC is told of itself: what is open by the policies in force, bounded, and never more than is known."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from muster_agent.sending.judged import OPEN_LIMIT, SIZE_LIMIT, TEXT_LIMIT, parsed
from muster_server.judge.findings import rules_of
from muster_server.judge.verdict import Result
from muster_server.standing import ROUND, Standings, said, told
from muster_server.store import rounds, standings
from muster_server.store.database import Database
from muster_server.store.schema import agents

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
    assert said([offices.judged(ID, reported=None)], {}, offices.now) == {}
    assert set(said([offices.judged(ID, tables=tables(offices))], {}, offices.now)) == {ID}
    assert Standings().of(ID) is None


def test_what_one_process_found_another_tells(address: Path | str, offices: Any) -> None:
    database = Database.create(address)
    with database.write() as connection:
        values = {"name": "pc", "unit": "u", "tags": "[]", "enrolled_at": offices.now, "approved_at": offices.now}
        connection.execute(insert(agents).values(id=ID, number=1, last_seq=0, last_digest="0" * 64, **values))
        standings.save(connection, said([offices.judged(ID, tables=tables(offices))], {}, offices.now), offices.now)
    mine, others = Standings(), Standings()
    with database.read() as connection:
        mine.refresh(connection)
        others.refresh(connection)
    first = mine.of(ID)
    assert first is not None and first == others.of(ID)
    assert (parsed(first) or first).as_of == "2026-11-24T01:00:00Z"
    again = [offices.judged(ID, tables=tables(offices))]
    later = offices.now + timedelta(hours=1)
    assert mine.changed(again, {}, later) == {}, "what is the same is not written again"
    rules = rules_of([offices.policy(offices.rule("A-1"))])
    worse = [offices.judged(ID, [], [offices.finding(ID, "A-1", offices.now)], tables=tables(offices))]
    with database.write() as connection:
        standings.save(connection, mine.changed(worse, rules, later), later)
        rounds.done(connection, ROUND, later + timedelta(hours=1))
    with database.read() as connection:
        others.refresh(connection)
    told = parsed(others.of(ID))
    assert told is not None and (told.count, told.as_of) == (1, "2026-11-24T03:00:00Z"), "a later look found the same"
    assert (parsed(mine.of(ID)) or told).count == 0
    database.close()


def test_what_a_killed_process_left_is_found(address: Path | str, offices: Any) -> None:
    database = Database.create(address)
    now = offices.now
    minute = timedelta(minutes=1)
    with database.write() as connection:
        for number, reported in enumerate((now, now - minute, None, now + minute), 1):
            values = {"name": "pc", "unit": "u", "tags": "[]", "enrolled_at": now, "last_report": reported}
            terms = {"last_seq": 0, "last_digest": "0" * 64, "approved_at": now}
            connection.execute(insert(agents).values(id=f"pc-{number}", number=number, **values, **terms))
    with database.read() as connection:
        assert standings.unjudged(connection, now + timedelta(seconds=30), None) == {"pc-1", "pc-2"}
        assert standings.unjudged(connection, now + 2 * minute, now) == {"pc-4"}
    with database.write() as connection:
        standings.save(connection, {"pc-1": b"{}"}, now)
    with database.read() as connection:
        assert standings.unjudged(connection, now + timedelta(seconds=30), None) == {"pc-2"}
    database.close()


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
