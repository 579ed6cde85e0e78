"""Work that one server process at a time does for all of them, and when it was last done."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from muster_server.store.schema import rounds


def last(connection: Connection, name: str) -> datetime | None:
    """When the work of that name was last done; None for never."""
    found: datetime | None = connection.scalar(select(rounds.c.done_at).where(rounds.c.name == name))
    return found


def done(connection: Connection, name: str, at: datetime) -> None:
    """The work of that name was done."""
    if connection.execute(update(rounds).where(rounds.c.name == name).values(done_at=at)).rowcount == 0:
        connection.execute(insert(rounds).values(name=name, done_at=at))
