"""Copies of a whole database, each of one consistent moment: SQLite by VACUUM INTO, PostgreSQL table by table.

A copy is always an SQLite file of the same schema, so it can be brought back into either kind (decision 20).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Column, Connection, MetaData, Table, bindparam, func, insert, inspect, select, text, update

from muster_agent.sending.envelope import FIRST
from muster_server.store.database import Database
from muster_server.store.evidence import Head, hexadecimal
from muster_server.store.sqlite import BUSY_TIMEOUT
from muster_server.store.unusable import DatabaseError

VERSION = "alembic_version"
ROWS = 500  # copied at a time
LARGE = {"sent": 8, "conflicts": 8, "manifests": 50, "bodies": 50}  # rows that may hold two megabytes each


def copy_of_file(source: Path, target: Path) -> None:
    """Copy an SQLite database while others write to it. ``target`` must not exist; only its owner can read it.

    Raises ``DatabaseError``, ``OSError``.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # VACUUM INTO itself would make it 0644
    address = f"file:{quote(str(source))}?mode=ro"
    try:
        connection = sqlite3.connect(address, uri=True, isolation_level=None)
        try:
            connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
            connection.execute("VACUUM INTO ?", (str(target),))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DatabaseError(f"{source}: {error}") from None
    synchronise(target)


def copy_of_server(source: Database, target: Path) -> None:
    """The same of a PostgreSQL database. Raises ``DatabaseError``, ``OSError``, ``DBAPIError``."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    copy = Database.at(target)
    try:
        with source.read() as reading:
            copy.migrate(version_of(reading))
            with copy.write() as writing:
                transfer(reading, writing)
    finally:
        copy.close()
    settle(target)
    synchronise(target)


def settle(path: Path) -> None:
    """Make a database that nobody has open one file alone: what waits in its log goes in, and the log goes away."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


def transfer(source: Connection, target: Connection) -> dict[str, int]:
    """Copy every row of every table into an empty database of the same schema; returns how many, by table.

    The tables are read as they lie there, not as this version knows them: an older schema is copied as well.
    """
    theirs, ours = MetaData(), MetaData()
    theirs.reflect(source)
    ours.reflect(target)
    counts = {}
    for table in ours.sorted_tables:
        if table.name != VERSION:
            counts[table.name] = _rows(source, theirs.tables[table.name], target, table)
    if target.dialect.name == "postgresql":
        _continue_numbers(target, ours)
    return counts


def _rows(source: Connection, theirs: Table, target: Connection, table: Table) -> int:
    # What refers to another row of its own table waits until all of them are there.
    later = [key.parent for key in table.foreign_keys if key.column.table is table]
    keys = list(table.primary_key.columns)
    statement = select(theirs).order_by(*theirs.primary_key.columns)
    batch = statement.execution_options(yield_per=LARGE.get(table.name, ROWS))
    waiting: list[dict[str, Any]] = []
    count = 0
    for rows in source.execute(batch).partitions():
        values = [dict(row._mapping) for row in rows]
        for value in values:
            if any(value[column.name] is not None for column in later):
                waiting.append({f"of_{key.name}": value[key.name] for key in keys} | _taken(value, later))
        target.execute(insert(table), values)
        count += len(values)
    if waiting:
        pointed = update(table).where(*(key == bindparam(f"of_{key.name}") for key in keys))
        target.execute(pointed.values({column.name: bindparam(f"to_{column.name}") for column in later}), waiting)
    return count


def _taken(value: dict[str, Any], later: list[Column[Any]]) -> dict[str, Any]:
    found = {f"to_{column.name}": value[column.name] for column in later}
    for column in later:
        value[column.name] = None
    return found


def _continue_numbers(target: Connection, tables: MetaData) -> None:
    """PostgreSQL gives numbers from a sequence of its own, which does not know of rows that were copied in."""
    for table in tables.sorted_tables:
        for column in table.primary_key.columns:
            if column.server_default is not None and "nextval" in str(getattr(column.server_default, "arg", "")):
                last = target.scalar(select(func.max(column)))
                if last is not None:
                    sequence = func.pg_get_serial_sequence(table.name, column.name)
                    target.execute(select(func.setval(sequence, last)))


def counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has, whatever version it is of."""
    found = MetaData()
    found.reflect(connection)
    tables = (table for table in found.sorted_tables if table.name != VERSION)
    return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def version_of(connection: Connection) -> str:
    """The number of the schema."""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


def problems(path: Path, quick: bool = False) -> list[str]:
    """What SQLite finds wrong with the pages and the indexes of a file; nothing when it is whole.

    Raises ``DatabaseError`` when the file cannot be read as a database at all.
    """
    address = f"file:{quote(str(path))}?mode=ro"
    try:
        connection = sqlite3.connect(address, uri=True)
        try:
            connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
            found = list(_checked(connection, quick))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DatabaseError(f"{path}: {error}") from None
    return [line for line in found if line != "ok"]


def structure(path: Path) -> set[tuple[str, ...]]:
    """Everything a file's schema is made of: kind, name, table and statement. Raises ``DatabaseError``."""
    address = f"file:{quote(str(path))}?mode=ro"
    statement = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master"
    try:
        connection = sqlite3.connect(address, uri=True)
        try:
            return {tuple(map(str, row)) for row in connection.execute(statement)}
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DatabaseError(f"{path}: {error}") from None


def _checked(connection: sqlite3.Connection, quick: bool) -> Iterator[str]:
    yield from (str(row[0]) for row in connection.execute("PRAGMA quick_check" if quick else "PRAGMA integrity_check"))
    if not quick:
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            yield f"{table} {row} -> {parent}"


def is_empty(database: Database) -> bool:
    """Whether nothing was ever put into a database of this schema."""
    with database.read() as connection:
        return not any(counts(connection).values())


def has_tables(database: Database) -> bool:
    """Whether there is anything in the database."""
    with database.read() as connection:
        return bool(inspect(connection).get_table_names())


def synchronise(path: Path) -> None:
    """Wait until a file is on the disk, and its name in its folder."""
    for name in (path, path.parent):
        descriptor = os.open(name, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def heads(connection: Connection) -> tuple[Head, Head | None]:
    """The heads of the chain of reports and of the audit log, whatever version it is of; None: it had no such log."""
    found = MetaData()
    found.reflect(connection)

    def last(name: str) -> Head | None:
        table = found.tables.get(name)
        if table is None:
            return None
        newest = select(table.c.position, table.c.chain).order_by(table.c.position.desc()).limit(1)
        row = connection.execute(newest).first()
        if row is None:
            return None
        return Head(row.position, row.chain if isinstance(row.chain, str) else hexadecimal(row.chain))

    nothing = Head(0, FIRST)
    return last("reports") or last("pruned") or nothing, (last("audit") or nothing) if "audit" in found.tables else None
