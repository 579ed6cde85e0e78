"""Enrolment tokens: bound to a unit, with an end and a number of uses, kept only as a hash."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from muster_agent.canonical import digest
from muster_server.store.schema import tokens


@dataclass(frozen=True)
class Token:
    """What a token allows."""

    hash: str
    unit: str
    tags: tuple[str, ...]


def token_hash(token: str) -> str:
    """The name under which a token is kept."""
    return digest(token.encode("utf-8"))


def issue(
    connection: Connection, unit: str, uses: int, now: datetime, expires_at: datetime, tags: Sequence[str] = ()
) -> str:
    """Make a token for ``uses`` PCs of ``unit``; returns it, for the only time."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(tokens).values(
            hash=token_hash(token),
            unit=unit,
            tags=json.dumps(list(tags)),
            uses_left=uses,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return token


def consume(connection: Connection, hashed: str, now: datetime) -> Token | None:
    """Use a token once. None when there is no such token, or it has expired or is used up."""
    used = connection.execute(
        update(tokens)
        .where(tokens.c.hash == hashed, tokens.c.uses_left > 0, tokens.c.expires_at > now)
        .values(uses_left=tokens.c.uses_left - 1)
    )
    if used.rowcount != 1:
        return None
    row = connection.execute(select(tokens.c.unit, tokens.c.tags).where(tokens.c.hash == hashed)).one()
    return Token(hash=hashed, unit=row.unit, tags=tuple(json.loads(row.tags)))


@dataclass(frozen=True)
class Issued:
    """What is left of a token."""

    unit: str
    uses_left: int
    expires_at: datetime


def find(connection: Connection, hashed: str) -> Issued | None:
    """What is known of a token, spent or not; None when it was never issued here."""
    row = connection.execute(select(tokens).where(tokens.c.hash == hashed)).one_or_none()
    return None if row is None else Issued(row.unit, row.uses_left, row.expires_at)
