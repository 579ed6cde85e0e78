"""The writing thread: what shares a commit, what takes only itself back, and when nothing may be acknowledged."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from muster_agent.sending.envelope import FIRST, Envelope
from muster_agent.sending.report import SignedReport
from muster_server.receive import storage, writer
from muster_server.receive.refusal import Refusal
from muster_server.receive.writer import Writer
from muster_server.store.database import Database
from muster_server.store.reports import Accepted, Incoming, Outcome

AGENT = "00000000-0000-4000-8000-000000000000"


def report(number: int, size: int = 1) -> Incoming:
    """A report as the door hands it over; its number is what a test knows it by."""
    envelope = Envelope(AGENT, "0" * 16, number, FIRST, "-", "2026-11-24T08:00:00Z", "gzip", "0" * 64)
    signed = SignedReport(envelope.to_bytes(), b"", b"x" * size)
    return Incoming(signed, envelope, 1, b"{}", "0" * 64, frozenset(), {}, None)


def failing(code: int, message: str = "disk") -> OperationalError:
    """An error as SQLite's driver gives it."""
    original = sqlite3.OperationalError(message)
    original.sqlite_errorcode = code
    return OperationalError("INSERT", {}, original)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty one."""
    made = Database.create(tmp_path / "muster.db")
    yield made
    made.close()


def count(database: Database) -> int:
    """What the jobs of these tests have stored."""
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM bodies").scalar_one())


def keep(connection: Connection, name: object) -> None:
    """Store something."""
    connection.exec_driver_sql("INSERT INTO bodies VALUES (?, 'y')", (str(name),))


class Taking:
    """A store that notes which reports came together, and that some of them break."""

    def __init__(self, bad: Sequence[int] = (), error: Callable[[], Exception] = lambda: ValueError("bad")) -> None:
        self.batches: list[list[int]] = []
        self._bad, self._error = bad, error

    def __call__(self, connection: Connection, incoming: Sequence[Incoming]) -> list[Accepted]:
        numbers = [one.envelope.seq for one in incoming]
        self.batches.append(numbers)
        for number in numbers:
            keep(connection, number)
            if number in self._bad:
                raise self._error()
        return [Accepted(Outcome.ACCEPTED)] * len(numbers)


@contextmanager
def held(database: Database, **given: Any) -> Iterator[tuple[Writer, threading.Event]]:
    """A writer that is busy until the event is set, so that what comes meanwhile waits together."""
    gate, begun = threading.Event(), threading.Event()
    running = Writer(database, **given)

    def wait(connection: Connection) -> None:
        begun.set()
        assert gate.wait(20)

    running.submit(wait)
    assert begun.wait(20)
    try:
        yield running, gate
    finally:
        gate.set()
        running.close()


def sent(running: Writer, gate: threading.Event, incoming: Sequence[Incoming]) -> list[Any]:
    """What each report is told: an outcome or an exception."""

    async def send() -> list[Any]:
        futures = [running.report(one) for one in incoming]
        gate.set()
        return await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), 20)

    return asyncio.run(send())


def test_reports_that_wait_together_share_one_call_and_one_commit(database: Database) -> None:
    take = Taking()
    with held(database, take=take) as (running, gate):
        done = sent(running, gate, [report(number) for number in range(1, 41)])
    assert [one.outcome for one in done] == [Outcome.ACCEPTED] * 40
    assert take.batches == [list(range(1, 41))]
    assert count(database) == 40


def test_a_batch_is_bounded_by_count_and_by_bytes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BATCH", 8)
    take = Taking()
    with held(database, take=take) as (running, gate):
        sent(running, gate, [report(number) for number in range(1, 21)])
    assert [len(batch) for batch in take.batches] == [8, 8, 4]
    monkeypatch.setattr(writer, "BATCH_BYTES", 1000)
    take = Taking()
    with held(database, take=take) as (running, gate):
        sent(running, gate, [report(number, size=400) for number in range(100, 107)])
    assert [len(batch) for batch in take.batches] == [3, 3, 1]


def test_one_bad_report_takes_only_itself_back(database: Database) -> None:
    take = Taking(bad=(3,))
    with held(database, take=take) as (running, gate):
        other = running.submit(lambda connection: keep(connection, "job"))
        done = sent(running, gate, [report(number) for number in range(1, 6)])
    assert [isinstance(one, ValueError) for one in done] == [False, False, True, False, False]
    assert other.result(20) is None
    assert count(database) == 5
    assert take.batches == [[1, 2, 3, 4, 5], [1], [2], [3], [4], [5]]


def test_a_job_that_waits_with_reports_is_done_before_them(database: Database) -> None:
    order: list[str] = []

    def take(connection: Connection, incoming: Sequence[Incoming]) -> list[Accepted]:
        order.append("report")
        return [Accepted(Outcome.REVOKED)] * len(incoming)

    with held(database, take=take) as (running, gate):

        async def send() -> None:
            future = running.report(report(1))
            running.submit(lambda connection: order.append("revoke"))
            gate.set()
            await asyncio.wait_for(future, 20)

        asyncio.run(send())
    assert order == ["revoke", "report"]


def test_a_report_waits_for_those_that_are_being_checked_but_not_for_long(database: Database) -> None:
    take = Taking()
    running = Writer(database, take=take, coming=lambda: 3)

    async def send() -> list[Any]:
        first = running.report(report(1))
        await asyncio.sleep(writer.GATHER / 4)
        second = running.report(report(2))
        return await asyncio.wait_for(asyncio.gather(first, second), 20)

    try:
        assert len(asyncio.run(send())) == 2
    finally:
        running.close()
    assert take.batches == [[1, 2]]


@pytest.mark.parametrize("code", storage.UNCONFIRMED)
def test_a_sync_that_failed_ends_the_server_and_is_never_tried_again(database: Database, code: int) -> None:
    told: list[str] = []
    take = Taking(bad=(2,), error=lambda: failing(code))
    with held(database, take=take, fatal=told.append) as (running, gate):
        done = sent(running, gate, [report(number) for number in (1, 2, 3)])
        assert all(isinstance(one, Exception) for one in done), "nothing is acknowledged"
        assert told == ["sync"]
        with pytest.raises(Refusal) as refusal:
            running.submit(lambda connection: keep(connection, "later"))
        assert refusal.value.status == 503
    assert take.batches == [[1, 2, 3]], "not even one by one"
    assert count(database) == 0


def test_what_still_waits_when_a_sync_failed_is_not_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BATCH", 1)
    take = Taking(bad=(1,), error=lambda: failing(sqlite3.SQLITE_IOERR_FSYNC))
    with held(database, take=take, fatal=lambda reason: None) as (running, gate):
        done = sent(running, gate, [report(1), report(2)])
    assert isinstance(done[1], Refusal)
    assert take.batches == [[1]]


def test_without_anybody_to_end_it_in_order_the_process_ends_at_once(tmp_path: Path) -> None:
    code = "from muster_server.receive.writer import die; die('sync'); print('still here')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        (sqlite3.SQLITE_FULL, 507, "storage_full"),
        (sqlite3.SQLITE_IOERR_WRITE, 503, "storage"),
        (sqlite3.SQLITE_BUSY, 503, "storage"),
        (sqlite3.SQLITE_READONLY, 503, "storage"),
    ],
)
def test_a_disk_that_fails_fails_the_whole_batch_and_says_when_to_come_again(
    database: Database, code: int, status: int, error: str
) -> None:
    take = Taking(bad=(2,), error=lambda: failing(code))
    with held(database, take=take, fatal=lambda reason: pytest.fail(reason)) as (running, gate):
        done = sent(running, gate, [report(1), report(2), report(3)])
        assert all(isinstance(one, OperationalError) for one in done)
        refusal = storage.refusal(done[0])
        assert (refusal.status, refusal.code, refusal.retry_after) == (status, error, storage.RETRY_AFTER)
        take._bad = ()
        later = sent(running, gate, [report(4)])
    assert [one.outcome for one in later] == [Outcome.ACCEPTED], "it goes on by itself"
    assert count(database) == 1


def test_postgresql_codes_are_told_apart() -> None:
    class Said(Exception):
        def __init__(self, sqlstate: str) -> None:
            self.sqlstate = sqlstate

    def of(state: str) -> OperationalError:
        return OperationalError("INSERT", {}, Said(state))

    assert storage.refusal(of("53100")).status == 507
    for state in ("58030", "25006", "57P01", "08006"):
        assert storage.refusal(of(state)).status == 503
        assert storage.of_storage(of(state))
        assert not storage.unconfirmed(of(state))
    for state in ("22021", "23505"):
        assert not storage.of_storage(of(state))


def test_a_client_that_has_gone_disturbs_nobody(database: Database) -> None:
    with held(database, take=Taking()) as (running, gate):

        async def send() -> Any:
            gone, stays = running.report(report(1)), running.report(report(2))
            gone.cancel()
            gate.set()
            return await asyncio.wait_for(stays, 20)

        assert asyncio.run(send()).outcome is Outcome.ACCEPTED
