"""Enrolment tokens: bound to a unit, with an end and a number of uses, kept only as a hash."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from muster_agent.canonical import digest
from muster_server.store import hardware
from muster_server.store.schema import tokens


@dataclass(frozen=True)
class Token:
    """What a token allows."""

    hash: str
    unit: str
    tags: tuple[str, ...]
    approval: bool  # whether a PC it lets in counts only once somebody approves it
    agent: str | None  # the one PC it is for


@dataclass(frozen=True)
class Terms:
    """What is asked for when a token is issued."""

    unit: str
    uses: int = 1
    tags: tuple[str, ...] = ()
    approval: bool = False
    agent: str | None = None
    serial: str | None = None


def token_hash(token: str) -> str:
    """The name under which a token is kept."""
    return digest(token.encode("utf-8"))


def issue(connection: Connection, terms: Terms, by: str, now: datetime, expires_at: datetime) -> str:
    """Make a token; returns it, for the only time."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(tokens).values(
            hash=token_hash(token),
            unit=terms.unit,
            tags=json.dumps(list(terms.tags)),
            uses=terms.uses,
            uses_left=terms.uses,
            approval=terms.approval,
            agent=terms.agent,
            serial=terms.serial,
            created_at=now,
            created_by=by,
            expires_at=expires_at,
        )
    )
    return token


def consume(connection: Connection, hashed: str, serial: str | None, now: datetime) -> Token | None:
    """Use a token once. None when there is no such token, it has expired, is used up or revoked, or is for another PC
    than the one with this hardware ``serial``, however it is capitalised."""
    wanted = (hardware.of_use(serial) or "").upper()
    used = connection.execute(
        update(tokens)
        .where(tokens.c.hash == hashed, tokens.c.uses_left > 0, tokens.c.expires_at > now)
        .where(tokens.c.revoked_at.is_(None), tokens.c.serial.is_(None) | (func.upper(tokens.c.serial) == wanted))
        .values(uses_left=tokens.c.uses_left - 1)
    )
    if used.rowcount != 1:
        return None
    row = connection.execute(select(tokens).where(tokens.c.hash == hashed)).one()
    return Token(hashed, row.unit, tuple(json.loads(row.tags)), row.approval, row.agent)


@dataclass(frozen=True)
class Issued:
    """What is left of a token."""

    unit: str
    uses_left: int
    expires_at: datetime


@dataclass(frozen=True)
class Listed:
    """A token as an administrator sees it: never the token itself."""

    id: str  # the beginning of its hash
    hash: str
    unit: str
    uses: int
    uses_left: int
    approval: bool
    agent: str | None
    serial: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None


ID = 12  # digits of the hash that name a token


def every(connection: Connection) -> list[Listed]:
    """All that were ever issued, the newest first."""
    return [
        Listed(
            id=row.hash[:ID],
            hash=row.hash,
            unit=row.unit,
            uses=row.uses,
            uses_left=row.uses_left,
            approval=row.approval,
            agent=row.agent,
            serial=row.serial,
            created_at=row.created_at,
            created_by=row.created_by,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )
        for row in connection.execute(select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.hash))
    ]


def named(connection: Connection, beginning: str) -> list[str]:
    """The hashes that begin so."""
    return list(connection.scalars(select(tokens.c.hash).where(tokens.c.hash.startswith(beginning, autoescape=True))))


def revoke(connection: Connection, hashed: str, now: datetime) -> bool:
    """End a token at once; False when it has been revoked before."""
    ended = update(tokens).where(tokens.c.hash == hashed, tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    return connection.execute(ended).rowcount == 1


def find(connection: Connection, hashed: str) -> Issued | None:
    """What is known of a token, spent or not; None when it was never issued here or was revoked."""
    row = connection.execute(select(tokens).where(tokens.c.hash == hashed, tokens.c.revoked_at.is_(None))).one_or_none()
    return None if row is None else Issued(row.unit, row.uses_left, row.expires_at)
