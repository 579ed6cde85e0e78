"""The keys of the PCs. One PC may have several in time: it changes its key, or starts anew from a bare disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from muster_agent.sending.keys import key_id
from muster_server.store.schema import keys


@dataclass(frozen=True)
class Key:
    """The public half of a key, and whose it is."""

    number: int
    agent: str
    public_key: bytes  # 32 bytes
    until: datetime | None  # from then on nothing signed with it is taken in


def find(connection: Connection, agent: str, id: str) -> Key | None:
    """The key that the envelopes of ``agent`` call ``id``."""
    row = connection.execute(select(keys).where(keys.c.agent == agent, keys.c.id == id)).one_or_none()
    return None if row is None else _key(row)


def of_public(connection: Connection, public_key: bytes) -> Row[Any] | None:
    """The row of a public key, whoever's it is."""
    return connection.execute(select(keys).where(keys.c.public_key == public_key.hex())).one_or_none()


def of_agent(connection: Connection, agent: str) -> list[Row[Any]]:
    """Every key a PC ever had, oldest first."""
    return list(connection.execute(select(keys).where(keys.c.agent == agent).order_by(keys.c.number)))


def add(connection: Connection, agent: str, public_key: bytes, since: datetime, **evidence: Any) -> int:
    """Give a PC a key; ``evidence`` is what bound it (columns of keys). Returns its number."""
    number = int(connection.scalar(select(func.max(keys.c.number))) or 0) + 1
    connection.execute(
        insert(keys).values(
            number=number, id=key_id(public_key), agent=agent, public_key=public_key.hex(), since=since, **evidence
        )
    )
    return number


def end(connection: Connection, agent: str, until: datetime, but: int | None = None) -> int:
    """Let the keys of a PC end, all or all ``but`` one; those that end earlier stay as they are. Returns how many."""
    ends = update(keys).where(keys.c.agent == agent, keys.c.until.is_(None) | (keys.c.until > until))
    if but is not None:
        ends = ends.where(keys.c.number != but)
    return connection.execute(ends.values(until=until)).rowcount


def _key(row: Row[Any]) -> Key:
    return Key(row.number, row.agent, bytes.fromhex(row.public_key), row.until)
