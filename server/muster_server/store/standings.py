"""What every PC is told of itself, as the last look at it found: for whichever server process answers its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from muster_server.store.schema import agents, standings

CHUNK = 500  # rows asked for or written at a time


@dataclass(frozen=True)
class Standing:
    """How a PC stood."""

    pc: str
    number: int  # in the order of change
    told: bytes  # canonical JSON
    as_of: datetime


def since(connection: Connection, number: int) -> list[Standing]:
    """Those that changed after the change of that number; 0: all of them."""
    query = select(standings).where(standings.c.number > number).order_by(standings.c.number)
    return [Standing(row.pc, row.number, row.told, row.as_of) for row in connection.execute(query)]


def save(connection: Connection, told: Mapping[str, bytes], as_of: datetime) -> None:
    """Remember what these PCs are told."""
    names = list(told)
    known: set[str] = set()
    for start in range(0, len(names), CHUNK):
        query = select(standings.c.pc).where(standings.c.pc.in_(names[start : start + CHUNK]))
        known.update(connection.scalars(query))
    number = int(connection.scalar(select(func.max(standings.c.number))) or 0)
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for pc in names:
        number += 1
        (changed if pc in known else new).append({"of": pc, "number": number, "told": told[pc], "as_of": as_of})
    if new:
        connection.execute(insert(standings), [{"pc": row.pop("of"), **row} for row in new])
    if changed:
        connection.execute(
            update(standings)
            .where(standings.c.pc == bindparam("of"))
            .values(number=bindparam("number"), told=bindparam("told"), as_of=bindparam("as_of")),
            changed,
        )


def unjudged(connection: Connection, before: datetime, full: datetime | None) -> set[str]:
    """PCs whose last report came before that moment and after they were last looked at: whoever took it in did not
    come to judge it. ``full`` is when every PC was last looked at."""
    query = (
        select(agents.c.id)
        .outerjoin(standings, standings.c.pc == agents.c.id)
        .where(agents.c.last_report < before, agents.c.revoked_at.is_(None), agents.c.approved_at.is_not(None))
        .where(standings.c.as_of.is_(None) | (standings.c.as_of < agents.c.last_report))
    )
    if full is not None:
        query = query.where(agents.c.last_report > full)
    return set(connection.scalars(query))
