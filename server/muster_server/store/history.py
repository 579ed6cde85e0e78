"""What every PC said at a moment: the way from the store to the judge."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Subquery, func, select

from muster_agent.columns import column_docs
from muster_agent.facts import TABLES, Problem, Table, Tables
from muster_server.store.agents import pc_of
from muster_server.store.schema import agents, bodies, intervals, manifests, reports
from muster_server.subject import Subject

# A table that was named by digest and whose rows have not come yet: it is known to exist and nothing more.
NOT_RECEIVED = Problem("stale", "rows_not_received")
# Rows that are not of the table they were named for. The door checks what a report carries; a digest alone can name
# the rows of any table.
NOT_OF_TABLE = Problem("error", "rows_not_of_table")


def subjects(
    connection: Connection, wanted: Collection[str], as_of: datetime, only: Collection[str] | None = None
) -> list[Subject]:
    """Every PC enrolled at ``as_of`` that is not revoked, with the ``wanted`` tables of its last report before then.

    ``only`` limits the answer to those PC ids. Rows that several PCs share are decoded once.
    """
    chosen = select(agents).where(agents.c.enrolled_at <= as_of, agents.c.approved_at <= as_of)
    chosen = chosen.where(agents.c.revoked_at.is_(None) | (agents.c.revoked_at > as_of))
    if only is not None:
        chosen = chosen.where(agents.c.id.in_(only))
    current = _current(connection, as_of)
    within = _within_intervals(connection, as_of)
    reader = _Reader(connection, wanted)
    found = []
    for row in connection.execute(chosen.order_by(agents.c.name, agents.c.id)):
        manifest, last_seen = current.get(row.id, (None, None))
        last_report = last_seen if last_seen is None or last_seen <= as_of else within.get(row.number)
        tables = None if manifest is None else reader.tables(manifest)
        found.append(Subject(pc_of(row, last_report), tables))
    return found


def awaiting(connection: Connection, as_of: datetime) -> int:
    """How many PCs have enrolled and not been approved: their reports are kept and do not count yet."""
    pending = agents.c.approved_at.is_(None) | (agents.c.approved_at > as_of)
    there = agents.c.revoked_at.is_(None) | (agents.c.revoked_at > as_of)
    query = select(func.count()).select_from(agents).where(agents.c.enrolled_at <= as_of, pending, there)
    return connection.scalar(query) or 0


def span(connection: Connection) -> tuple[datetime, datetime] | None:
    """When the first and the last report that are kept came; None before the first."""
    ends = (reports.c.position.asc(), reports.c.position.desc())
    first, last = (connection.scalar(select(reports.c.received_at).order_by(end).limit(1)) for end in ends)
    return None if first is None or last is None else (first, last)


def count(connection: Connection) -> int:
    """How many reports there are."""
    return connection.scalar(select(func.count()).select_from(reports)) or 0


def _latest(as_of: datetime) -> Subquery:
    """By agent, the interval that had begun last at ``as_of``."""
    begun = select(intervals.c.agent, func.max(intervals.c.id).label("id")).where(intervals.c.first_seen <= as_of)
    return begun.group_by(intervals.c.agent).subquery()


def _current(connection: Connection, as_of: datetime) -> dict[str, tuple[str, datetime]]:
    """By agent, what it said at ``as_of`` and when it last said so, then or later."""
    latest = _latest(as_of)
    query = select(intervals.c.agent, intervals.c.manifest, intervals.c.last_seen)
    rows = connection.execute(query.join(latest, intervals.c.id == latest.c.id))
    return {row.agent: (row.manifest, row.last_seen) for row in rows}


def _within_intervals(connection: Connection, as_of: datetime) -> dict[int, datetime]:
    """By agent number, the last report up to ``as_of`` of those whose interval went on after it."""
    latest = _latest(as_of)
    query = (
        select(reports.c.agent, func.max(reports.c.received_at))
        .select_from(intervals)
        .join(latest, intervals.c.id == latest.c.id)
        .join(agents, agents.c.id == intervals.c.agent)
        .join(
            reports,
            (reports.c.agent == agents.c.number)
            & reports.c.seq.between(intervals.c.first_seq, intervals.c.last_seq)
            & (reports.c.received_at <= as_of),
        )
        .where(intervals.c.last_seen > as_of)
        .group_by(reports.c.agent)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


class _Reader:
    """Turns manifests into tables, each distinct manifest and body once."""

    def __init__(self, connection: Connection, wanted: Collection[str]) -> None:
        self._connection = connection
        self._wanted = wanted
        self._manifests: dict[str, Tables] = {}
        self._rows: dict[tuple[str, str], tuple[Any, ...] | Problem] = {}

    def tables(self, digest: str) -> Tables:
        """The wanted tables of the manifest ``digest``."""
        if digest not in self._manifests:
            body = self._connection.scalar(select(manifests.c.body).where(manifests.c.digest == digest))
            described = msgspec.json.decode(body or b"")["tables"]
            self._manifests[digest] = {
                name: self._table(name, described[name]) for name in self._wanted if name in described
            }
        return self._manifests[digest]

    def _table(self, name: str, entry: dict[str, Any]) -> Table:
        problem = Problem(**entry["problem"]) if "problem" in entry else None
        notes = tuple(Problem(**note) for note in entry.get("notes", ()))
        if "digest" not in entry:
            return Table(None, problem, notes)
        key = (name, entry["digest"])
        if key not in self._rows:
            self._rows[key] = self._read(*key)
        rows = self._rows[key]
        return Table(None, rows, notes) if isinstance(rows, Problem) else Table(rows, problem, notes)

    def _read(self, table: str, digest: str) -> tuple[Any, ...] | Problem:
        packed = self._connection.scalar(select(bodies.c.rows).where(bodies.c.digest == digest))
        if packed is None:
            return NOT_RECEIVED
        try:
            return rows_of(table, zlib.decompress(packed))
        except msgspec.ValidationError:
            return NOT_OF_TABLE


def rows_of(table: str, data: bytes) -> tuple[Any, ...]:
    """Canonical rows as the row type of ``table``. Raises ``msgspec.ValidationError`` when they are not of it.

    What this version does not know is not read: a column is left out, and a word outside a closed vocabulary is null,
    so that no rule can pass on it.
    """
    row_type: Any = TABLES[table]
    rows = tuple(msgspec.json.decode(data, type=list[row_type]))
    closed = {name: {None, *choices} for name, _, _, choices in column_docs(row_type) if choices}
    return tuple(_known(row, closed) for row in rows) if closed else rows


def _known(row: Any, closed: dict[str, set[str | None]]) -> Any:
    strange = {name: None for name, choices in closed.items() if getattr(row, name) not in choices}
    return dataclasses.replace(row, **strange) if strange else row
