"""The thread that judges stops when it is told to, and gives way to reports while it works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from muster_agent.sending.keys import SigningKey
from muster_server import sweeper as module
from muster_server.deployment import Deployment
from muster_server.receive.writer import Writer
from muster_server.store import agents, rounds, tokens
from muster_server.store.reports import accept_all
from muster_server.store.tokens import Terms, token_hash
from muster_server.words import Words

PCS = 40
SLOWLY = 0.1  # seconds for each PC


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[Deployment, Any, Writer]]:
    """PCs that have enrolled and not reported."""
    deployment = Deployment.create(tmp_path / "data", "x", Words("en"))
    database = deployment.database()
    now = datetime.now(UTC)
    with database.write() as connection:
        token = tokens.issue(connection, Terms("x", PCS), "os:test", now, now + timedelta(days=1))
        for number in range(PCS):
            public = SigningKey.generate().public
            asked = agents.Request(public, token_hash(token), f"pc{number}", None, None, b"{}", bytes(64))
            assert agents.enrol(connection, asked, now) is not None
    sign = deployment.key().sign
    writer = Writer(database, lambda connection, some: accept_all(connection, some, datetime.now(UTC), sign))
    yield deployment, database, writer
    writer.close()
    database.close()


def test_a_server_that_stops_does_not_wait_until_every_pc_is_judged(
    office: tuple[Deployment, Any, Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, database, writer = office
    judged: list[str] = []
    real = module.sweep

    def slowly(database: Any, assessor: Any, store: Any, some: Any) -> Any:
        judged.extend(some)
        time.sleep(SLOWLY)
        return real(database, assessor, store, some)

    monkeypatch.setattr(module, "sweep", slowly)
    monkeypatch.setattr(module, "CHUNK", 1)
    monkeypatch.setattr(module, "PARTING", 0.3)
    first = module.Sweeper(deployment, database, writer)
    while not judged:
        time.sleep(0.01)
    began = time.monotonic()
    first.close()
    assert time.monotonic() - began < 2.5
    assert 0 < len(judged) < PCS
    with database.read() as connection:
        assert rounds.last(connection, module.ROUND) is None  # and nobody takes it for done
    monkeypatch.setattr(module, "CHUNK", 100)
    judged.clear()
    second = module.Sweeper(deployment, database, writer)
    end = time.monotonic() + 20
    while second._first and time.monotonic() < end:
        time.sleep(0.02)
    second.close()
    assert len(set(judged)) == PCS


def test_it_rests_as_long_as_it_worked(office: tuple[Deployment, Any, Writer], monkeypatch: pytest.MonkeyPatch) -> None:
    deployment, database, writer = office
    moments: list[float] = []
    real = module.sweep

    def slowly(database: Any, assessor: Any, store: Any, some: Any) -> Any:
        moments.append(time.monotonic())
        time.sleep(SLOWLY)
        return real(database, assessor, store, some)

    monkeypatch.setattr(module, "sweep", slowly)
    monkeypatch.setattr(module, "CHUNK", 10)
    one = module.Sweeper(deployment, database, writer)
    end = time.monotonic() + 20
    while len(moments) < 4 and time.monotonic() < end:
        time.sleep(0.02)
    one.close()
    assert min(after - before for before, after in pairwise(moments)) >= 2 * SLOWLY
