"""An office with a database of its own, PCs that are enrolled in it, and acts done to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from muster_server.acts.performing import perform
from muster_server.store import agents, audit, roster
from muster_server.store.agents import Agent, Request
from muster_server.store.database import Database
from muster_server.store.roster import Member
from muster_server.store.schema import agents as agents_table
from muster_server.store.schema import findings
from muster_server.store.tokens import token_hash

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass
class Office:
    """The database, and a clock that only a test moves."""

    database: Database
    now: datetime = NOW

    def do(self, act: str, by: str = "os:test", **asked: Any) -> dict[str, Any]:
        """Do an act."""
        with self.database.write() as connection:
            return perform(connection, act, asked, by, self.now)

    def ask(self, query: Any) -> Any:
        """What ``query`` says of a reading connection."""
        with self.database.read() as connection:
            return query(connection)

    def enrol(self, name: str, token: str, key: str | None = None, **hardware: Any) -> Agent | None:
        """Let a PC ask to be taken in. The signature is the door's business, and checked there."""
        asked = Request(
            public_key=hashlib.sha256((key or name).encode()).digest(),
            token_hash=token_hash(token),
            name=name,
            uuid=hardware.get("uuid"),
            serial=hardware.get("serial"),
            body=b"{}",
            signature=b"s" * 64,
        )
        with self.database.write() as connection:
            return agents.enrol(connection, asked, self.now)

    def pc(self, name: str, unit: str = "IT", **hardware: Any) -> str:
        """An enrolled PC; its id."""
        made = self.enrol(name, self.do("tokens.issue", unit=unit)["token"], **hardware)
        assert made is not None
        return made.id

    def member(self, agent: str) -> Member:
        """How a PC stands."""
        found = self.ask(lambda connection: roster.find(connection, agent))
        assert found is not None
        return found

    def mark(self, agent: str, **values: Any) -> None:
        """Set columns of a PC, as the door does."""
        with self.database.write() as connection:
            connection.execute(update(agents_table).where(agents_table.c.id == agent).values(values))

    def finding(self, pc: str, rule: str, days: int, **more: Any) -> None:
        """A finding that opened so many days ago."""
        opened = self.now - timedelta(days=days)
        values = {"severity": "high", "first_seen": opened, "opened": opened, "due": opened + timedelta(days=15)}
        values.update({"closed": None, "relapsed": False, "neutral": False, "pc": pc, "rule": rule, **more})
        with self.database.write() as connection:
            connection.execute(insert(findings).values(values))

    def findings(self, pc: str) -> list[Any]:
        """The findings of a PC, by rule."""
        return self.ask(
            lambda connection: connection.execute(
                select(findings).where(findings.c.pc == pc).order_by(findings.c.rule, findings.c.opened)
            ).all()
        )

    def log(self) -> list[Any]:
        """The audit log."""
        return self.ask(lambda connection: list(audit.entries(connection)))


@pytest.fixture
def office(address: Path | str) -> Iterator[Office]:
    """An office without PCs, on either database."""
    database = Database.create(address)
    yield Office(database)
    database.close()
