"""What has passed its term goes, and everything that is left still holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from muster_server.evidence import database as evidence
from muster_server.store import audit, history, retention, unreferenced

TABLES = frozenset({"packages", "os_version", "system_info", "boot"})


@pytest.fixture
def year(filling: Any, tmp_path: Path, address: Path | str) -> Any:
    """Four PCs that reported every tenth day for 300 days; one of them changes each time, one fell silent early."""
    filled = filling.Filled(tmp_path / "data", 4, address if isinstance(address, str) else None)
    for day in range(0, 300, 10):
        filled.pcs[day // 10 % 3].major += 1
        at = filling.START + timedelta(days=day)
        filled.take([pc.sign(at) for pc in filled.pcs[: 4 if day < 50 else 3]], at)
    yield filled
    filled.close()


def writing(filled: Any) -> Callable[[Callable[[Connection], Any]], Any]:
    """Does a job in a transaction."""

    def run(job: Callable[[Connection], Any]) -> Any:
        with filled.database.write() as connection:
            return job(connection)

    return run


def said(filled: Any, at: datetime) -> dict[str, Any]:
    """What every PC said at a moment."""
    with filled.database.read() as connection:
        found = history.subjects(connection, TABLES, at)
    return {one.pc.id: (one.pc.last_report, one.tables) for one in found}


def verify(filled: Any) -> Any:
    with filled.database.read() as connection:
        return evidence.verify(connection, processes=1)


def count(filled: Any, table: str) -> int:
    return int(filled.rows(f"SELECT count(*) FROM {table}")[0][0])


def test_what_is_left_says_what_it_said_and_is_verified(year: Any, filling: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "REPORTS", 7)
    monkeypatch.setattr(unreferenced, "PIECE", 3)
    before = filling.START + timedelta(days=150)
    moments = [filling.START + timedelta(days=day, hours=12) for day in (150, 155, 201, 299, 400)]
    looks = [said(year, at) for at in moments]
    head = verify(year).head
    old = {name: count(year, name) for name in ("reports", "sent", "manifests", "bodies", "intervals", "boots")}
    done = retention.prune(year.database, writing(year), before)
    assert done.cut is not None and done.removed["reports"] == done.cut.count == 50
    assert [said(year, at) for at in moments] == looks, "as-of looks within the history that is kept"
    found = verify(year)
    assert found.findings.sound, found.findings.wrong
    assert (found.begins.position, found.head) == (50, head)
    for name, was in old.items():
        assert count(year, name) == was - done.removed[name] < was, name
    with year.database.read() as connection:
        last = list(audit.entries(connection))[-1].entry
        assert history.span(connection)[0] >= before  # type: ignore[index]
    assert (last.act, last.operator, last.detail["position"], last.detail["reports"]) == (
        *("history.prune", "muster"),
        *(50, 50),
    )
    # It goes on, and nothing that is needed was taken away.
    year.day(310, 1)
    assert verify(year).findings.sound
    again = retention.prune(year.database, writing(year), before)
    assert again.cut is None and not any(again.removed.values())


def test_the_last_word_of_a_silent_pc_stays(year: Any, filling: Any) -> None:
    retention.prune(year.database, writing(year), filling.START + timedelta(days=280))
    silent = year.pcs[3].agent
    last_report, tables = said(year, filling.START + timedelta(days=300))[silent]
    assert tables is not None and tables["packages"].rows
    assert last_report == filling.START + timedelta(days=40)
    assert verify(year).findings.sound


def test_a_pc_that_reported_just_before_history_begins_is_no_pc_that_never_did(year: Any, filling: Any) -> None:
    pc, start = year.pcs[3], filling.START  # it said the same from its first report on
    year.take([pc.sign(start + timedelta(days=295))], start + timedelta(days=295))
    retention.prune(year.database, writing(year), start + timedelta(days=150))
    last_report, tables = said(year, start + timedelta(days=152))[pc.agent]
    assert tables is not None and last_report is not None
    assert last_report <= start + timedelta(days=40), "never fresher than it was"


def test_everything_may_pass_its_term(year: Any, filling: Any) -> None:
    retention.prune(year.database, writing(year), filling.START + timedelta(days=900))
    assert count(year, "reports") == 0
    assert verify(year).findings.sound
    assert all(tables is not None for _, tables in said(year, filling.START + timedelta(days=900)).values())
    year.day(901)
    assert verify(year).head.position == verify(year).begins.position + 4


def test_an_interrupted_run_is_finished_by_the_next(year: Any, filling: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "REPORTS", 10)
    before = filling.START + timedelta(days=200)
    run, steps = writing(year), 0

    def twice(job: Callable[[Connection], Any]) -> Any:
        nonlocal steps
        steps += 1
        if steps > 2:
            raise KeyboardInterrupt
        return run(job)

    with pytest.raises(KeyboardInterrupt):
        retention.prune(year.database, twice, before)
    found = verify(year)
    assert found.findings.sound, found.findings.wrong
    assert 0 < found.begins.position < 65
    retention.prune(year.database, run, before)
    assert verify(year).findings.sound and verify(year).begins.position == 65
    with year.database.read() as connection:
        assert sum(one.entry.act == "history.prune" for one in audit.entries(connection)) == 1


def test_reports_that_come_meanwhile_keep_what_they_need(year: Any, filling: Any, monkeypatch: Any) -> None:
    """Between the look and the step a PC says again what nobody had said for months."""
    monkeypatch.setattr(unreferenced, "PIECE", 1)
    pc, run = year.pcs[0], writing(year)
    newest, at = pc.major, filling.START + timedelta(days=320)
    came = []

    def between(job: Callable[[Connection], Any]) -> Any:
        if "partial" in repr(job) and "_delete" in repr(job) and not came:
            pc.major = 13
            came.append(pc.last.seq)
            year.take([pc.sign(at)], at)
        return run(job)

    retention.prune(year.database, between, filling.START + timedelta(days=250))
    assert came and newest != 13
    assert verify(year).findings.sound
    rows = said(year, at)[pc.agent][1]["packages"].rows
    assert rows is not None and rows[0].version.endswith(".13")


def test_never_less_than_the_law_asks_and_a_jump_of_the_clock_takes_a_month_at_most(year: Any, filling: Any) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert retention.limit(timedelta(days=1), now) == now - timedelta(days=184)
    assert retention.limit(timedelta(days=400), now) == now - timedelta(days=400)
    jumped = filling.START + timedelta(days=5000)
    done = retention.daily(year.database, writing(year), timedelta(days=400), jumped)
    assert done.cut is not None and done.cut.at < filling.START + timedelta(days=31)
    assert count(year, "reports") > 70


def test_a_report_from_a_time_when_the_clock_was_ahead_ends_the_cut(year: Any, filling: Any) -> None:
    year.rows("SELECT 1")
    with year.database.write() as connection:
        connection.exec_driver_sql("UPDATE reports SET received_at = received_at + 86400000000000 WHERE position = 5")
    with year.database.read() as connection:
        cut = retention.due(connection, filling.START + timedelta(days=900))
    assert cut is not None and cut.position == 4


def test_findings_stay(year: Any, filling: Any) -> None:
    with year.database.write() as connection:
        moment = "2026-01-05T08:00:00.000000Z"
        connection.exec_driver_sql(
            "INSERT INTO findings (id, pc, rule, severity, first_seen, opened, due, relapsed, neutral) "
            f"VALUES (1, '{year.pcs[0].agent}', 'AV-001', 'high', '{moment}', '{moment}', '{moment}', false, false)"
        )
    retention.prune(year.database, writing(year), filling.START + timedelta(days=900))
    assert count(year, "findings") == 1
