"""Who may read what the server knows, or act on it: credentials kept only as a hash, shown once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from muster_agent.canonical import digest
from muster_server.store.schema import readers

PREFIX = "mra_"  # so that a person, and a scanner of secrets, can tell what a lost credential opens


@dataclass(frozen=True)
class Reader:
    """Somebody with a credential."""

    name: str
    role: str
    unit: str | None  # a viewer's
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None


def add(
    connection: Connection, name: str, role: str, unit: str | None, by: str, now: datetime, expires_at: datetime
) -> str | None:
    """Give somebody a credential; returns it, for the only time. None when the name is in use.

    A name whose credential was revoked or has expired may be given again.
    """
    known = _row(connection, readers.c.name == name)
    if known is not None and known.revoked_at is None and known.expires_at > now:
        return None
    connection.execute(delete(readers).where(readers.c.name == name))
    credential = PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        insert(readers).values(
            name=name,
            hash=digest(credential.encode("ascii")),
            role=role,
            unit=unit,
            created_at=now,
            created_by=by,
            expires_at=expires_at,
        )
    )
    return credential


def revoke(connection: Connection, name: str, now: datetime) -> bool:
    """End a credential at once; False when there is no such one."""
    ended = connection.execute(
        update(readers).where(readers.c.name == name, readers.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return ended.rowcount == 1


def find(connection: Connection, credential: str, now: datetime) -> Reader | None:
    """Whose credential this is; None unless it holds now."""
    row = _row(connection, readers.c.hash == digest(credential.encode("utf-8", "replace")))
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    return _reader(row)


def every(connection: Connection) -> list[Reader]:
    """All of them, ended ones too, by name."""
    return [_reader(row) for row in connection.execute(select(readers).order_by(readers.c.name))]


def _row(connection: Connection, condition: Any) -> Row[Any] | None:
    return connection.execute(select(readers).where(condition)).one_or_none()


def _reader(row: Row[Any]) -> Reader:
    return Reader(row.name, row.role, row.unit, row.created_at, row.created_by, row.expires_at, row.revoked_at)
