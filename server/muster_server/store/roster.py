"""The PCs as an administrator sees them: who they are, how they stand, which may be copies of one another."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select

from muster_server.store.schema import agents
from muster_server.subject import meant


class Standing(StrEnum):
    """How an agent stands; the first that holds."""

    REPLACED = "replaced"  # another PC stands in its place
    REVOKED = "revoked"
    AWAITING = "awaiting"  # its reports are kept and do not count until somebody approves it
    CONFLICT = "conflict"  # two machines used its key
    ACTIVE = "active"


@dataclass(frozen=True)
class Member:
    """One enrolled agent. Names, uuid and serial are a PC's own words: untrusted text."""

    id: str
    name: str
    unit: str
    tags: tuple[str, ...]
    uuid: str | None
    serial: str | None
    enrolled_at: datetime
    approved_at: datetime | None
    last_seq: int
    last_report: datetime | None
    conflict_at: datetime | None
    skew: int | None  # seconds the server's clock was ahead of the PC's when its last report came
    apart_at: datetime | None
    rekey_at: datetime | None
    revoked_at: datetime | None
    revoked_for: str | None
    replaced_by: str | None

    @property
    def standing(self) -> Standing:
        """How it stands."""
        if self.replaced_by is not None:
            return Standing.REPLACED
        if self.revoked_at is not None:
            return Standing.REVOKED
        if self.approved_at is None:
            return Standing.AWAITING
        return Standing.ACTIVE if self.conflict_at is None else Standing.CONFLICT


def every(connection: Connection, unit: str | None = None) -> list[Member]:
    """All of them, or those of a unit, revoked ones too, by name."""
    query = select(agents).order_by(agents.c.name, agents.c.id)
    if unit is not None:
        query = query.where(agents.c.unit == unit)
    return [_member(row) for row in connection.execute(query)]


def named(connection: Connection, said: str) -> list[Member]:
    """Those that may be meant by a name or an id, as ``subject.meant`` has it."""
    listed = connection.execute(select(agents.c.id, agents.c.name))
    ids = meant(said, ((row.id, (row.name,)) for row in listed))
    found = []
    for start in range(0, len(ids), 500):  # as many as one statement may name
        found += [
            _member(row) for row in connection.execute(select(agents).where(agents.c.id.in_(ids[start : start + 500])))
        ]
    return sorted(found, key=lambda one: (one.name, one.id))


def find(connection: Connection, agent: str) -> Member | None:
    """The agent of an id."""
    row = connection.execute(select(agents).where(agents.c.id == agent)).one_or_none()
    return None if row is None else _member(row)


def duplicates(connection: Connection, as_of: datetime) -> list[list[Member]]:
    """Groups of PCs whose hardware says it is the same machine, and of which nobody has said that they are several.

    Both the uuid and the serial must agree: makers repeat either.
    """
    alike = _alike(as_of).subquery()
    query = select(agents).join(alike, and_(agents.c.uuid == alike.c.uuid, agents.c.serial == alike.c.serial))
    groups: dict[tuple[str | None, str | None], list[Member]] = defaultdict(list)
    for row in connection.execute(query.where(*_there(as_of)).order_by(agents.c.enrolled_at, agents.c.id)):
        groups[row.uuid, row.serial].append(_member(row))
    return list(groups.values())


def count_duplicates(connection: Connection, as_of: datetime) -> dict[str, int]:
    """How many PCs stand in those groups, by unit."""
    alike = _alike(as_of).subquery()
    query = select(agents.c.unit, func.count()).join(
        alike, and_(agents.c.uuid == alike.c.uuid, agents.c.serial == alike.c.serial)
    )
    return {row[0]: row[1] for row in connection.execute(query.where(*_there(as_of)).group_by(agents.c.unit))}


def count_awaiting(connection: Connection, as_of: datetime) -> dict[str, int]:
    """How many PCs have enrolled and not been approved, by unit: their reports are kept and do not count yet."""
    pending = agents.c.approved_at.is_(None) | (agents.c.approved_at > as_of)
    query = select(agents.c.unit, func.count()).where(pending, *_there(as_of)).group_by(agents.c.unit)
    return {row[0]: row[1] for row in connection.execute(query)}


def conflicts(connection: Connection) -> list[Member]:
    """The PCs whose key two machines used, the oldest conflict first."""
    query = select(agents).where(agents.c.conflict_at.is_not(None), agents.c.revoked_at.is_(None))
    return [_member(row) for row in connection.execute(query.order_by(agents.c.conflict_at, agents.c.id))]


def _there(as_of: datetime) -> tuple[Any, Any]:
    return agents.c.enrolled_at <= as_of, agents.c.revoked_at.is_(None) | (agents.c.revoked_at > as_of)


def _alike(as_of: datetime) -> Select[Any]:
    """uuid and serial of each group. A group that was looked at in whole is none."""
    members = func.count()
    return (
        select(agents.c.uuid, agents.c.serial)
        .where(agents.c.uuid.is_not(None), agents.c.serial.is_not(None), *_there(as_of))
        .group_by(agents.c.uuid, agents.c.serial)
        .having(members > 1, func.count(agents.c.apart_at) < members)
    )


def _member(row: Row[Any]) -> Member:
    return Member(
        id=row.id,
        name=row.name,
        unit=row.unit,
        tags=tuple(json.loads(row.tags)),
        uuid=row.uuid,
        serial=row.serial,
        enrolled_at=row.enrolled_at,
        approved_at=row.approved_at,
        last_seq=row.last_seq,
        last_report=row.last_report,
        conflict_at=row.conflict_at,
        skew=row.skew,
        apart_at=row.apart_at,
        rekey_at=row.rekey_at,
        revoked_at=row.revoked_at,
        revoked_for=row.revoked_for,
        replaced_by=row.replaced_by,
    )
