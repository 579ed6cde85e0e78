"""The keys of the PCs. One PC may have several in time: it changes its key, or starts anew from a bare disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from muster_agent.sending.keys import key_id
from muster_server.store.schema import agents, keys

KEPT = timedelta(days=7)  # the old key holds on beside the new one: reports it signed may still be on their way
SELDOM = timedelta(hours=1)  # a PC that nobody asked changes its key no sooner than this after the last change


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


def latest(connection: Connection, count: int) -> dict[tuple[str, str], Key]:
    """The ``count`` keys that were bound last, oldest first, by agent and key id."""
    query = select(keys.c.number, keys.c.id, keys.c.agent, keys.c.public_key, keys.c.until)
    rows = connection.execute(query.order_by(keys.c.number.desc()).limit(count)).all()
    return {(row.agent, row.id): _key(row) for row in reversed(rows)}


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


@dataclass(frozen=True)
class Rotation:
    """A checked request to change a key: both keys have signed it."""

    agent: str
    public_key: bytes  # the new one
    predecessor: int  # number of the key that vouches for it
    body: bytes
    signature: bytes  # by the new key
    predecessor_signature: bytes


class Rotated(StrEnum):
    """What became of it."""

    DONE = "done"
    KNOWN = "known"  # it was done before, and the answer was lost
    ENDED = "ended"  # the old key, or the PC, is not taken in any more
    FORKED = "forked"  # another key has followed the old one already, or somebody has this one
    EARLY = "early"  # nobody asked, and the last change was just now


def rotate(connection: Connection, asked: Rotation, now: datetime) -> Rotated:
    """Give a PC its next key. The old one holds for :data:`KEPT`; a second successor of it is a conflict.

    Whoever copied a disk holds the same key and may be the first to change it: the other one then cannot, and the PC
    is marked, so that an administrator sees both.
    """
    owner = connection.execute(select(agents).where(agents.c.id == asked.agent)).one()
    if owner.revoked_at is not None:
        return Rotated.ENDED
    known = of_public(connection, asked.public_key)
    if known is not None:
        same = known.agent == asked.agent and known.predecessor == asked.predecessor
        if same:
            return Rotated.KNOWN if known.until is None or known.until > now else Rotated.ENDED
        return Rotated.FORKED
    old = connection.execute(select(keys).where(keys.c.number == asked.predecessor)).one()
    if old.until is not None and old.until <= now:
        return Rotated.ENDED
    followed = connection.scalar(select(func.count()).where(keys.c.predecessor == asked.predecessor))
    if followed or old.until is not None:
        if owner.conflict_at is None:
            connection.execute(update(agents).where(agents.c.id == asked.agent).values(conflict_at=now))
        return Rotated.FORKED
    if owner.rekey_at is None and now - old.since < SELDOM:
        return Rotated.EARLY
    number = add(
        connection,
        asked.agent,
        asked.public_key,
        now,
        request=asked.body,
        request_signature=asked.signature,
        predecessor=asked.predecessor,
        predecessor_signature=asked.predecessor_signature,
    )
    end(connection, asked.agent, now + KEPT, but=number)
    connection.execute(update(agents).where(agents.c.id == asked.agent).values(rekey_at=None))
    return Rotated.DONE


def _key(row: Row[Any]) -> Key:
    return Key(row.number, row.agent, bytes.fromhex(row.public_key), row.until)
