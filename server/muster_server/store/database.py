"""The database of one deployment, on SQLite or PostgreSQL: opened, checked, read, and written to.

DatabaseError           the database cannot be used; says why
├── Missing             there is none
└── WrongSchema         it was made by another version of Muster
    ├── OlderSchema     by an older one: `muster upgrade` brings it up to date
    └── NewerSchema     by a newer one: nothing here may touch it
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from muster_server.store import postgresql, sqlite
from muster_server.store.engine import Engines
from muster_server.store.schema import HEAD

FILE = "muster.db"


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


class OlderSchema(WrongSchema):
    """The database was made by an older version."""

    code = "store.older_schema"


class NewerSchema(WrongSchema):
    """The database was made by a newer version."""

    code = "store.newer_schema"


class Database:
    """An open database. Use :meth:`read` and :meth:`write`; close it when done."""

    def __init__(self, engines: Engines, where: str) -> None:
        self._engines = engines
        self.where = where  # what a person is told: a path, or an address without its password

    @classmethod
    def at(cls, address: Path | str) -> Database:
        """The database of an address, unchecked: a file, or postgresql://…"""
        if isinstance(address, Path):
            return cls(sqlite.Sqlite(address), str(address))
        return cls(postgresql.PostgreSql(address), postgresql.shown(address))

    @classmethod
    def create(cls, address: Path | str) -> Database:
        """Make a new database. Raises ``FileExistsError`` when there is one, :class:`DatabaseError` when it fails."""
        if isinstance(address, Path):
            sqlite.create(address, lambda unfinished: cls.at(unfinished)._filled())
            return cls.at(address)
        database = cls.at(address)
        try:
            if database.tables():
                raise FileExistsError(17, "", database.where)
            database.migrate()
        except DBAPIError as error:
            raise DatabaseError(f"{database.where}: {error.orig}") from None
        return database

    @classmethod
    def open(cls, address: Path | str) -> Database:
        """Open an existing database of this version. Raises :class:`DatabaseError`."""
        database = cls.at(address)
        found = database.version()
        if found != HEAD:
            database.close()
            kind = OlderSchema if found < HEAD else NewerSchema
            raise kind(f"{database.where}: {found} <> {HEAD}")
        return database

    def version(self) -> str:
        """The number of its schema. Raises :class:`DatabaseError`."""
        try:
            self._engines.must_exist()
        except FileNotFoundError:
            raise Missing(self.where) from None
        try:
            with self.read() as connection:
                return str(connection.scalar(text("SELECT version_num FROM alembic_version")))
        except DBAPIError as error:
            raise DatabaseError(f"{self.where}: {error.orig}") from None

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

    def tables(self) -> list[str]:
        """The names of the tables that exist."""
        return sorted(inspect(self._engines.reader).get_table_names())

    def close(self) -> None:
        """Close every connection."""
        self._engines.reader.dispose()
        with self._engines.alone():
            self._engines.writer.dispose()

    def _filled(self) -> None:
        self.migrate()
        self.close()
