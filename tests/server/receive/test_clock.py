"""A PC's clock decides nothing, and how wrong it is, is told (scorecard 12; security.md §2.4)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from muster_agent.commands import status
from muster_agent.sending import notice
from muster_agent.sending.report import sign
from muster_agent.sending.send import deliver
from muster_agent.sending.spool import Spool
from muster_agent.text import inert
from muster_agent.words import Words
from muster_server.receive.clock import skew
from muster_server.store import history

NOW = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
YEARS = (-10, -1, 0, 1, 10)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2026-11-24T08:00:00Z", 0),
        ("2026-11-24T07:57:00Z", 180),
        ("2036-11-24T08:00:00Z", -315619200),
        ("0001-01-01T00:00:00Z", 63931104000),
        ("9999-12-31T23:59:59Z", -251606793599),
        ("2026-02-30T08:00:00Z", None),
        ("2026-11-24T08:00:60Z", None),
        ("2026-11-24T08:00:00Z\n", None),
        ("2026-11-24 08:00:00", None),
        ("٢٠٢٦-11-24T08:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_B20_what_a_pc_says_of_the_time_is_compared_and_never_believed(said: str | None, found: int | None) -> None:
    assert skew(said, NOW) == found


def test_B75_a_clock_ten_years_off_loses_no_report_and_makes_no_pc_fresh(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scorecard 12: reports lost 0; PCs wrongly fresh 0."""
    begun = datetime.now(UTC)
    real = time.gmtime
    for years in YEARS:
        pc = server.pc(f"pc{years}")
        spool = Spool(pc.home)
        off = timedelta(days=365.25 * years)
        at = (datetime.now(UTC) + off).strftime("%Y-%m-%dT%H:%M:%SZ")
        for major in (11, 12):
            seq, signed = sign(pc.tables(major), pc.enrolment.agent, pc.key, spool.last(pc.home.state()), at)
            assert spool.put(seq, signed) == []
        with monkeypatch.context() as patch:
            patch.setattr(time, "gmtime", lambda *_, off=off: real(time.time() + off.total_seconds()))
            done = deliver(pc.home, spool, pc.enrolment)
        assert (done.delivered, done.waiting, done.refused) == (2, 0, 0)
        assert done.clock is not None and abs(done.clock + off.total_seconds()) < 60
        [(stored,)] = server.ask(f"SELECT skew FROM agents WHERE id = '{pc.enrolment.agent}'")
        assert stored == done.clock
    assert server.ask("SELECT count(*) FROM reports") == [(2 * len(YEARS),)]
    with server.database.read() as connection:
        pcs = [subject.pc for subject in history.subjects(connection, (), datetime.now(UTC))]
    assert len(pcs) == len(YEARS)
    for one in pcs:
        assert one.last_report is not None and begun <= one.last_report <= datetime.now(UTC)


def test_a_pc_that_says_nothing_of_its_clock_is_told_nothing(server: Any) -> None:
    pc = server.pc()
    answer = pc.post(pc.sign())
    assert answer.status == 202 and "clock" not in answer.content
    assert server.ask("SELECT skew FROM agents") == [(None,)]


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        (None, None),
        (120, None),
        (-120, None),
        (121, "2 minute(s) behind"),
        (-7200, "2 hour(s) ahead"),
        (315_576_000, "3,652 day(s) behind"),
    ],
)
def test_status_tells_a_wrong_clock(clock: int | None, said: str | None) -> None:
    found = notice.Notice("2026-11-24T08:00:00Z", "https://x", "IT", clock=clock)
    lines = "\n".join(status.Status(Words("en"), 200, 0).lines(found))
    assert inert(lines.replace("\n", " "))
    assert (said in lines) if said else ("Clock" not in lines)
