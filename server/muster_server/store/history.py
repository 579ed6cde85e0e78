"""What every PC said at a moment: the way from the store to the judge."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select

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
    chosen = select(agents).where(agents.c.enrolled_at <= as_of)
    chosen = chosen.where(agents.c.revoked_at.is_(None) | (agents.c.revoked_at > as_of))
    if only is not None:
        chosen = chosen.where(agents.c.id.in_(only))
    last_reports = _by_agent(
        connection,
        select(reports.c.agent, func.max(reports.c.received_at))
        .where(reports.c.received_at <= as_of)
        .group_by(reports.c.agent),
    )
    current = _current_manifests(connection, as_of)
    reader = _Reader(connection, wanted)
    found = []
    for row in connection.execute(chosen.order_by(agents.c.name, agents.c.id)):
        manifest = current.get(row.id)
        tables = None if manifest is None else reader.tables(manifest)
        found.append(Subject(pc_of(row, last_reports.get(row.id)), tables))
    return found


def span(connection: Connection) -> tuple[datetime, datetime] | None:
    """When the first and the last report came; None before the first."""
    row = connection.execute(select(func.min(reports.c.received_at), func.max(reports.c.received_at))).one()
    return None if row[0] is None else (row[0], row[1])


def count(connection: Connection) -> int:
    """How many reports there are."""
    return connection.scalar(select(func.count()).select_from(reports)) or 0


def _by_agent(connection: Connection, query: Select[Any]) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _current_manifests(connection: Connection, as_of: datetime) -> dict[str, str]:
    latest = (
        select(intervals.c.agent, func.max(intervals.c.id).label("id"))
        .where(intervals.c.first_seen <= as_of)
        .group_by(intervals.c.agent)
        .subquery()
    )
    query = select(intervals.c.agent, intervals.c.manifest).join(latest, intervals.c.id == latest.c.id)
    return _by_agent(connection, query)


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
