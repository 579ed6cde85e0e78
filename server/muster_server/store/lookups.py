"""What of many is there already: one question for all the reports that come together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Connection, func, select

from muster_server.store.schema import bodies


def next_number(connection: Connection, column: Column[Any]) -> int:
    """The number after the largest in ``column``."""
    return int(connection.scalar(select(func.max(column))) or 0) + 1


def known(connection: Connection, column: Column[Any], wanted: Iterable[Any]) -> set[Any]:
    """Those of ``wanted`` that are in ``column``."""
    asked = list(wanted)
    return set(connection.scalars(select(column).where(column.in_(asked))).all()) if asked else set()


def missing(connection: Connection, digests: set[str]) -> set[str]:
    """Those of ``digests`` whose rows are not there. Mostly none is missing, which a count tells sooner than a list."""
    column = bodies.c.digest
    if not digests or connection.scalar(select(func.count()).where(column.in_(list(digests)))) == len(digests):
        return set()
    return digests - known(connection, column, digests)


def numbers(connection: Connection, column: Column[Any], number: Column[Any], wanted: Iterable[Any]) -> dict[Any, int]:
    """The numbers of those of ``wanted`` that are in ``column``."""
    found = connection.execute(select(column, number).where(column.in_(list(wanted)))).all()
    return {row[0]: row[1] for row in found}
