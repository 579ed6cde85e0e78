"""What every PC said at a moment: the way from the store to the judge."""

from __future__ import annotations

import dataclasses
import functools
import zlib
from collections.abc import Collection, Iterable, Iterator
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
CHUNK = 500  # manifests or tables asked for at a time
PORTION = 1000  # PCs whose rows are in memory together
NOT_OF_TABLE = Problem("error", "rows_not_of_table")


def subjects(
    connection: Connection, wanted: Collection[str], as_of: datetime, only: Collection[str] | None = None
) -> list[Subject]:
    """All of :func:`each_subject` at once."""
    return list(each_subject(connection, wanted, as_of, only))


def each_subject(
    connection: Connection, wanted: Collection[str], as_of: datetime, only: Collection[str] | None = None
) -> Iterator[Subject]:
    """Every PC enrolled at ``as_of`` that is not revoked, with the ``wanted`` tables of its last report before then.

    ``only`` limits the answer to those PC ids. Rows that several PCs of a portion share are decoded once.
    """
    chosen = select(agents).where(agents.c.enrolled_at <= as_of, agents.c.approved_at <= as_of)
    chosen = chosen.where(agents.c.revoked_at.is_(None) | (agents.c.revoked_at > as_of))
    if only is not None:
        chosen = chosen.where(agents.c.id.in_(only))
    latest = _latest(as_of, only)
    current = _current(connection, latest)
    within = _within_intervals(connection, latest, as_of)
    rows = connection.execute(chosen.order_by(agents.c.name, agents.c.id)).all()
    for start in range(0, len(rows), PORTION):
        some = rows[start : start + PORTION]
        reader = _Reader(connection, wanted, {current[row.id][0] for row in some if row.id in current})
        for row in some:
            manifest, first_seen, last_seen = current.get(row.id, (None, None, None))
            # Where the reports of that stretch have passed their term, it is known when the PC first said so.
            last_report = last_seen if last_seen is None or last_seen <= as_of else within.get(row.number, first_seen)
            tables = None if manifest is None else reader.tables(manifest)
            yield Subject(pc_of(row, last_report), tables)


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


def pcs(connection: Connection) -> list[str]:
    """The ids of the PCs that are judged: approved and not revoked."""
    counted = select(agents.c.id).where(agents.c.approved_at.is_not(None), agents.c.revoked_at.is_(None))
    return list(connection.scalars(counted.order_by(agents.c.number)))


def _latest(as_of: datetime, only: Collection[str] | None) -> Subquery:
    """By agent, the interval that had begun last at ``as_of``."""
    begun = select(intervals.c.agent, func.max(intervals.c.id).label("id")).where(intervals.c.first_seen <= as_of)
    if only is not None:
        begun = begun.where(intervals.c.agent.in_(only))
    return begun.group_by(intervals.c.agent).subquery()


def _current(connection: Connection, latest: Subquery) -> dict[str, tuple[str, datetime, datetime]]:
    """By agent, what it said then, since when it did, and when it last said so, then or later."""
    query = select(intervals.c.agent, intervals.c.manifest, intervals.c.first_seen, intervals.c.last_seen)
    rows = connection.execute(query.join(latest, intervals.c.id == latest.c.id))
    return {row.agent: (row.manifest, row.first_seen, row.last_seen) for row in rows}


def _within_intervals(connection: Connection, latest: Subquery, as_of: datetime) -> dict[int, datetime]:
    """By agent number, the last report up to ``as_of`` of those whose interval went on after it."""
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
    """Turns manifests into tables, each distinct manifest and body once, and asks for many at a time."""

    def __init__(self, connection: Connection, wanted: Collection[str], digests: Collection[str]) -> None:
        self._rows: dict[tuple[str, str], tuple[Any, ...] | Problem] = {}
        described: dict[str, dict[str, Any]] = {}
        for some in _chunks(digests):
            for row in connection.execute(select(manifests).where(manifests.c.digest.in_(some))):
                said = msgspec.json.decode(row.body)["tables"]
                described[row.digest] = {name: said[name] for name in wanted if name in said}
        self._read(connection, described.values())
        self._manifests = {
            digest: {name: self._table(name, entry) for name, entry in said.items()}
            for digest, said in described.items()
        }

    def tables(self, digest: str) -> Tables:
        """The wanted tables of the manifest ``digest``."""
        return self._manifests[digest]

    def _table(self, name: str, entry: dict[str, Any]) -> Table:
        problem = Problem(**entry["problem"]) if "problem" in entry else None
        notes = tuple(Problem(**note) for note in entry.get("notes", ()))
        if "digest" not in entry:
            return Table(None, problem, notes)
        rows = self._rows.get((name, entry["digest"]), NOT_RECEIVED)
        return Table(None, rows, notes) if isinstance(rows, Problem) else Table(rows, problem, notes)

    def _read(self, connection: Connection, described: Iterable[dict[str, Any]]) -> None:
        named: dict[str, set[str]] = {}
        for said in described:
            for name, entry in said.items():
                if "digest" in entry:
                    named.setdefault(entry["digest"], set()).add(name)
        for some in _chunks(named):
            for row in connection.execute(select(bodies).where(bodies.c.digest.in_(some))):
                for name in named[row.digest]:
                    try:
                        self._rows[name, row.digest] = rows_of(name, zlib.decompress(row.rows))
                    except msgspec.ValidationError:
                        self._rows[name, row.digest] = NOT_OF_TABLE


def _chunks(names: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(names)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


def rows_of(table: str, data: bytes) -> tuple[Any, ...]:
    """Canonical rows as the row type of ``table``. Raises ``msgspec.ValidationError`` when they are not of it.

    What this version does not know is not read: a column is left out, and a word outside a closed vocabulary is null,
    so that no rule can pass on it.
    """
    row_type: Any = TABLES[table]
    rows = tuple(msgspec.json.decode(data, type=list[row_type]))
    closed = _closed(table)
    return tuple(_known(row, closed) for row in rows) if closed else rows


@functools.cache
def _closed(table: str) -> dict[str, set[str | None]]:
    """The columns of a table whose words are of a closed vocabulary, and those words."""
    return {name: {None, *choices} for name, _, _, choices in column_docs(TABLES[table]) if choices}


def _known(row: Any, closed: dict[str, set[str | None]]) -> Any:
    strange = {name: None for name, choices in closed.items() if getattr(row, name) not in choices}
    return dataclasses.replace(row, **strange) if strange else row
