"""What nothing refers to any more once the oldest reports are gone, found and removed step by step.

What is found in one look may be needed again by a report that comes before its step is done, so each step looks once
more at whatever is newer than that look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Column, Connection, Select, Table, delete, func, select

from muster_server.store.database import Database
from muster_server.store.schema import agents, bodies, boots, conflicts, intervals, manifests, reports, sent

PIECE = 500  # rows removed in one transaction

Answer = TypeVar("Answer")
Step = tuple[str, Callable[[Connection], int]]  # the table, and what removes some of its rows and says how many


def steps(database: Database, begins: datetime, before: datetime) -> Iterator[Step]:
    """Every step, in an order in which none needs a later one. ``begins`` is when history begins: the moment of the
    last report that is gone; conflicts go that came ``before`` their own term."""
    yield from _pieces(intervals, intervals.c.id, _ended(database, begins))
    with database.read() as connection:
        old = list(connection.scalars(select(conflicts.c.id).where(conflicts.c.received_at < before)))
    yield from _pieces(conflicts, conflicts.c.id, old)
    for table, number, reference in ((sent, sent.c.number, reports.c.body), (boots, boots.c.number, reports.c.boot)):
        with database.read() as connection:
            position = connection.scalar(select(func.max(reports.c.position))) or 0
            unused = list(connection.scalars(select(number).where(number.not_in(select(reference)))))
        yield from _pieces(table, number, unused, [select(reference).where(reports.c.position > position)])
    yield from _manifests(database)
    yield from _tables(database)


def _ended(database: Database, begins: datetime) -> list[int]:
    """Intervals that had given way to another one when history begins: no look can show them any more."""
    with database.read() as connection:
        current = (
            select(intervals.c.agent, func.max(intervals.c.id).label("id"))
            .where(intervals.c.first_seen <= begins)
            .group_by(intervals.c.agent)
            .subquery()
        )
        going_on = select(agents.c.interval).where(agents.c.interval.is_not(None))
        ended = (
            select(intervals.c.id)
            .join(current, intervals.c.agent == current.c.agent)
            .where(intervals.c.id < current.c.id, intervals.c.id.not_in(going_on))
        )
        return list(connection.scalars(ended))


def _manifests(database: Database) -> Iterator[Step]:
    with database.read() as connection:
        body, interval = _newest(connection)
        unused = select(manifests.c.digest).where(
            manifests.c.digest.not_in(select(sent.c.manifest)), manifests.c.digest.not_in(select(intervals.c.manifest))
        )
        found = list(connection.scalars(unused))
    newer = [
        select(sent.c.manifest).where(sent.c.number > body),
        select(intervals.c.manifest).where(intervals.c.id > interval),
    ]
    yield from _pieces(manifests, manifests.c.digest, found, newer)


def _tables(database: Database) -> Iterator[Step]:
    with database.read() as connection:
        body, interval = _newest(connection)
        named = _named(connection, select(manifests.c.body))
        found = [digest for digest in connection.scalars(select(bodies.c.digest)) if digest not in named]
    newer = select(manifests.c.body).where(
        manifests.c.digest.in_(select(sent.c.manifest).where(sent.c.number > body))
        | manifests.c.digest.in_(select(intervals.c.manifest).where(intervals.c.id > interval))
    )
    for some in _in_pieces(found):
        yield bodies.name, partial(_unnamed, some=some, newer=newer)


def _unnamed(connection: Connection, some: list[str], newer: Select[Any]) -> int:
    again = _named(connection, newer)
    return _delete(connection, bodies, bodies.c.digest, [digest for digest in some if digest not in again])


def _newest(connection: Connection) -> tuple[int, int]:
    """The highest numbers of a body and of an interval: whatever comes later has a higher one."""
    body, interval = (connection.scalar(select(func.max(column))) for column in (sent.c.number, intervals.c.id))
    return body or 0, interval or 0


def _named(connection: Connection, query: Select[Any]) -> set[str]:
    """The digests of the tables that manifests name."""
    found: set[str] = set()
    for body in connection.execute(query.execution_options(yield_per=PIECE)).scalars():
        tables = msgspec.json.decode(body)["tables"].values()
        found.update(entry["digest"] for entry in tables if "digest" in entry)
    return found


def _pieces(table: Table, column: Column[Any], found: list[Any], newer: Sequence[Select[Any]] = ()) -> Iterator[Step]:
    for some in _in_pieces(found):
        yield table.name, partial(_delete, table=table, column=column, some=some, newer=newer)


def _in_pieces(found: list[Answer]) -> Iterator[list[Answer]]:
    for start in range(0, len(found), PIECE):
        yield found[start : start + PIECE]


def _delete(
    connection: Connection, table: Table, column: Column[Any], some: list[Any], newer: Sequence[Select[Any]] = ()
) -> int:
    if not some:
        return 0
    statement = delete(table).where(column.in_(some))
    for query in newer:
        statement = statement.where(column.not_in(query))
    return connection.execute(statement).rowcount
