"""The audit log: every administrative act, each entry chained to the one before, so that none can go unnoticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from muster_agent.canonical import canonical, digest
from muster_agent.sending.envelope import FIRST
from muster_server.store.schema import audit, moment_text


@dataclass(frozen=True)
class Entry:
    """One act."""

    at: str  # the server's clock, UTC
    operator: str  # who: os:NAME at the server's own command line, reader:NAME over HTTP, muster for its scheduler
    act: str  # its name, e.g. agents.revoke
    subject: str  # whom or what it was done to
    detail: dict[str, Any]  # what was asked; never a secret


@dataclass(frozen=True)
class Logged:
    """An entry in its place."""

    position: int
    entry: Entry
    chain: str  # digest of the chain before and the entry's bytes
    sound: bool  # whether position and chain are those that follow the entry before


def append(connection: Connection, at: datetime, operator: str, act: str, subject: str, detail: dict[str, Any]) -> str:
    """Add an entry; returns the new head of the chain."""
    last = connection.execute(
        select(audit.c.position, audit.c.chain).order_by(audit.c.position.desc()).limit(1)
    ).first()
    position, before = (last.position, last.chain) if last else (0, FIRST)
    data = canonical(asdict(Entry(moment_text(at), operator, act, subject, detail)))
    head = _head(before, data)
    connection.execute(insert(audit).values(position=position + 1, entry=data, chain=head))
    return head


def entries(connection: Connection) -> Iterator[Logged]:
    """Every entry, oldest first, each checked against the one before."""
    position, head = 0, FIRST
    for row in connection.execute(select(audit).order_by(audit.c.position).execution_options(yield_per=500)):
        # SQLite holds anything in any column, and whoever tampers with the file may leave anything there.
        data, chain = _bytes(row.entry), str(row.chain)
        sound = isinstance(row.entry, bytes) and row.position == position + 1 and chain == _head(head, data)
        position, head = row.position, chain
        yield Logged(row.position, _entry(data), chain, sound)


def _bytes(found: object) -> bytes:
    return found if isinstance(found, bytes) else str(found).encode("utf-8", "replace")


def _entry(data: bytes) -> Entry:
    try:
        found = Entry(**json.loads(data))
        texts = (found.at, found.operator, found.act, found.subject)
        if all(isinstance(text, str) for text in texts) and isinstance(found.detail, dict):
            return found
    except (ValueError, TypeError, RecursionError):
        pass
    return Entry("", "", "?", "", {"damaged": data.decode("utf-8", "replace")})


def _head(before: str, data: bytes) -> str:
    return digest(before.encode("utf-8", "replace") + b"\n" + data + b"\n")
