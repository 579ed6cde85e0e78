"""The database of one deployment, on SQLite or PostgreSQL: opened, checked, read, and written to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from muster_server.store import postgresql, sqlite
from muster_server.store.engine import Engines
from muster_server.store.schema import HEAD
from muster_server.store.unusable import (
    DatabaseError,
    Missing,
    NewerSchema,
    NotEmpty,
    OlderSchema,
    WrongSchema,
    named,
)

__all__ = ["FILE", "Database", "DatabaseError", "Missing", "NewerSchema", "OlderSchema", "WrongSchema", "named"]

FILE = "muster.db"
LOOK_THROUGH = 60.0  # seconds that a server which was killed may spend, at its start, on looking through its file


class Database:
    """An open database. Use :meth:`read` and :meth:`write`; close it when done."""

    def __init__(self, engines: Engines, where: str) -> None:
        self._engines = engines
        self.where = where  # what a person is told: a path, or an address without its password

    @classmethod
    def at(cls, address: Path | str) -> Database:
        """The database of an address, unchecked: a file, or postgresql://… Raises :class:`DatabaseError`."""
        if isinstance(address, Path):
            return cls(sqlite.Sqlite(address), str(address))
        return cls(postgresql.PostgreSql(address), postgresql.shown(address))

    @classmethod
    def create(cls, address: Path | str) -> Database:
        """Make a new database. Raises ``FileExistsError`` when there is one, :class:`DatabaseError` when it fails."""
        if isinstance(address, Path):
            sqlite.create(address, lambda unfinished: cls.at(unfinished)._filled())
            return cls.at(address)
        cls.must_be_empty(address)
        database = cls.at(address)
        try:
            database.migrate()
        except DBAPIError as error:
            database.close()
            raise named(error, database.where) from None
        return database

    @classmethod
    def must_be_empty(cls, address: str) -> None:
        """Look whether a PostgreSQL can take a new database's tables. Raises :class:`DatabaseError`."""
        database = cls.at(address)
        try:
            database._engines.check()
            if database.tables():
                raise NotEmpty(database.where)
        except DBAPIError as error:
            raise named(error, database.where) from None
        finally:
            database.close()

    @classmethod
    def open(cls, address: Path | str) -> Database:
        """Open an existing database of this version. Raises :class:`DatabaseError`."""
        database = cls.at(address)
        try:
            found = database.version()
            if found != HEAD:
                kind = OlderSchema if found < HEAD else NewerSchema
                raise kind(f"{database.where}: {found} <> {HEAD}")
        except BaseException:
            database.close()
            raise
        return database

    def version(self) -> str:
        """The number of its schema. Raises :class:`DatabaseError`."""
        self._engines.check()
        try:
            with self.read() as connection:
                if not inspect(connection).has_table("alembic_version"):
                    raise Missing(self.where)
                return str(connection.scalar(text("SELECT version_num FROM alembic_version")))
        except DBAPIError as error:
            raise named(error, self.where) from None

    def start(self) -> bool:
        """A server starts on it: after one that was killed, look through it (:data:`LOOK_THROUGH`).

        False when there was not time enough to look through all of it. Raises :class:`DatabaseError`.
        """
        try:
            return not self._engines.started() or self._engines.sound(LOOK_THROUGH)
        except DBAPIError as error:
            raise named(error, self.where) from None

    def check(self) -> None:
        """Look through what it holds, for as long as it takes. Raises :class:`DatabaseError`."""
        try:
            self._engines.sound(float("inf"))
        except DBAPIError as error:
            raise named(error, self.where) from None

    def migrate(self, to: str = HEAD) -> None:
        """Bring the schema to a version, in one transaction."""
        from alembic import command  # a quarter of a second that no other command should wait for
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, to)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent moment and changes nothing."""
        with self._engines.reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or not at all. One at a time in this deployment."""
        with self._engines.alone(), self._engines.writer.connect() as connection, connection.begin():
            self._engines.serialise(connection)
            yield connection

    def once(self, name: str) -> AbstractContextManager[bool]:
        """For work that one process at a time does: ``with database.once("judging") as mine: if mine: …``."""
        return self._engines.once(name)

    def tables(self) -> list[str]:
        """The names of the tables that exist."""
        return sorted(inspect(self._engines.reader).get_table_names())

    def close(self) -> None:
        """Close every connection."""
        self._engines.close()

    def _filled(self) -> None:
        self.migrate()
        self.close()
