"""Liveness is not readiness: /readyz writes, and says so when it cannot."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from muster_server.receive import health
from muster_server.receive.refusal import Refusal


def test_ready_means_that_a_write_was_committed(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = office.receiver.metrics.commit_seconds.count
    monkeypatch.setattr(health, "GOOD_FOR", 0.0)
    before = commits()
    assert office.client.ask("GET", "/readyz").status == 200
    assert commits() == before + 1


def test_a_stranger_cannot_have_the_disk_synced_at_will(office: Any) -> None:
    office.client.ask("GET", "/readyz")
    before = office.receiver.metrics.commit_seconds.count()
    for _ in range(50):
        assert office.client.ask("GET", "/readyz").status == 200
    assert office.receiver.metrics.commit_seconds.count() <= before + 1


def test_alive_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import small_office

    monkeypatch.setattr(health, "GOOD_FOR", 0.0)
    monkeypatch.setattr(health, "PATIENCE", 0.3)
    office = small_office.make(tmp_path / "data")
    try:
        gate = threading.Event()
        held = office.receiver.writer.submit(lambda connection: gate.wait(20))
        answer = office.client.ask("GET", "/readyz")
        assert (answer.status, answer.json["error"], answer.header("Retry-After")) == (503, "busy", "30")
        assert office.client.ask("GET", "/healthz").status == 200
        gate.set()
        held.result(20)
        assert office.client.ask("GET", "/readyz").status == 200

        office.receiver.refuse_when = lambda: Refusal(507, "storage", "too little space is left", retry_after=60)
        assert office.client.ask("GET", "/readyz").status == 507
        assert office.client.ask("GET", "/healthz").status == 200
        assert office.get("/v1/office").status == 200  # what is known can still be read
        office.receiver.refuse_when = lambda: None
        assert office.client.ask("GET", "/readyz").status == 200

        with office.database.write() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE UPDATE ON alembic_version BEGIN SELECT RAISE(FAIL, 'x'); END"
            )
        assert office.client.ask("GET", "/readyz").status == 503
        assert office.client.ask("GET", "/healthz").status == 200
    finally:
        office.close()


def test_metrics_are_for_the_monitor_and_hold_no_name_of_a_pc(office: Any) -> None:
    answer = office.get("/metrics", "monitor")
    assert answer.header("Content-Type").startswith("text/plain; version=0.0.4")
    assert "muster_reports_total" in answer.text
    assert "PC-0001" not in answer.text


def test_two_who_ask_at_once_share_a_write(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "GOOD_FOR", 0.0)
    own = health.Health(office.receiver.writer, lambda: None)
    request: Any = None

    async def both() -> None:
        await asyncio.gather(*(own.ready(request) for _ in range(20)))

    before = office.receiver.metrics.commit_seconds.count()
    asyncio.run(both())
    assert office.receiver.metrics.commit_seconds.count() == before + 1
