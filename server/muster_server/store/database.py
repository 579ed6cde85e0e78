"""The database of one deployment: opened, checked, and written through one connection at a time.

SQLite runs in WAL mode with synchronous=FULL, so that a commit is on the disk before anyone is told (security.md §3.2).

    DatabaseError           the database cannot be used; says why
    ├── Missing             there is none
    └── WrongSchema         it was made by another version of Muster
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from muster_server.store.schema import HEAD

FILE = "muster.db"
BUSY_TIMEOUT = 10_000  # milliseconds a writer waits for another one


class DatabaseError(Exception):
    """The database cannot be used. ``code`` is a key of reports/wording/server.yaml, ``detail`` what it is about."""

    code = "store.unusable"

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.code}: {detail}")
        self.detail = detail


class Missing(DatabaseError):
    """There is no database."""

    code = "store.missing"


class WrongSchema(DatabaseError):
    """The database was made by another version."""

    code = "store.wrong_schema"


class Database:
    """An open database. Use :meth:`read` and :meth:`write`; close it when done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)

    @classmethod
    def create(cls, path: Path) -> Database:
        """Make a new database, readable by its owner alone. Raises ``FileExistsError``.

        It gets its name only when its schema is whole, so that an interrupted start leaves none behind.
        """
        unfinished = path.with_name(path.name + ".new")
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        database = cls(unfinished)
        try:
            database.migrate()
            database.close()
            os.link(unfinished, path)  # unlike a rename, it refuses to replace
        finally:
            database.close()
            unfinished.unlink()
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open an existing database. Raises :class:`DatabaseError`."""
        if not path.is_file():
            raise Missing(str(path))
        database = cls(path)
        try:
            with database.read() as connection:
                found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        except DBAPIError as error:
            raise DatabaseError(f"{path}: {error.orig}") from None
        if found != HEAD:
            raise WrongSchema(f"{path}: {found} <> {HEAD}")
        return database

    def migrate(self) -> None:
        """Bring the schema to the newest version."""
        from alembic import command  # a quarter of a second that no other command should wait for
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent moment and changes nothing."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or not at all."""
        with self._engine.connect().execution_options(muster_writes=True) as connection, connection.begin():
            yield connection

    def tables(self) -> list[str]:
        """The names of the tables that exist."""
        return sorted(inspect(self._engine).get_table_names())

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _prepare(connection: Any, record: Any) -> None:
    # The driver must not begin transactions by itself: it would do so too late for SAVEPOINT and for a read snapshot.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("muster_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
