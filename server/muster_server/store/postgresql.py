"""PostgreSQL: for several server processes on one database. The schema and the queries are those of SQLite.

A connection to a server that has become a standby, or that is going away, is thrown away with the first error that
says so, and the next one is made anew: what only asks whether the server lives (SELECT 1) would stay on it for ever
(security.md §3.2).
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from muster_server.store.unusable import DatabaseError, TooOld, WrongEncoding, lost, named

DRIVER = "postgresql+psycopg"
OLDEST = 130000  # server_version_num: 13 is the oldest that is tested, and had its last release in November 2025
WRITERS = 2  # connections a server process keeps for writing: its one writing thread, and an administrator's act
READERS = 8
LOCK = 0x4D555354  # the advisory lock of whoever writes: "MUST"

# A machine that vanishes must not keep the writers' lock until TCP notices by itself, two hours later.
CLIENT = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "client_encoding": "UTF8",
}
SESSION = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "60s",
    "lock_timeout": "20s",
}


class PostgreSql:
    """The engines on one database. Raises ``DatabaseError`` for an address that is not PostgreSQL's."""

    def __init__(self, address: str) -> None:
        try:
            url = make_url(address).set(drivername=DRIVER)
        except (ArgumentError, ValueError):
            raise DatabaseError("postgresql://…") from None  # not repeated: it may hold a password
        self.where = shown(address)
        arguments: dict[str, Any] = {**CLIENT, "target_session_attrs": "read-write"}
        self.reader: Engine = create_engine(
            url,
            connect_args=arguments,
            pool_size=READERS,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ",
        ).execution_options(postgresql_readonly=True)
        # Not the isolation of the server's settings: a stricter one would look at the database before its turn came.
        committed: dict[str, Any] = {"connect_args": arguments, "isolation_level": "READ COMMITTED"}
        self.writer: Engine = create_engine(url, pool_size=WRITERS, pool_pre_ping=True, **committed)
        self._single = create_engine(url, poolclass=NullPool, connect_args=arguments, isolation_level="AUTOCOMMIT")
        event.listen(self.writer, "connect", _durable)
        for engine in (self.reader, self.writer, self._single):
            event.listen(engine, "handle_error", _throw_away)

    def alone(self) -> AbstractContextManager[None]:
        """Nothing to hold in this process; :meth:`serialise` waits in the database."""
        return contextlib.nullcontext()

    def serialise(self, connection: Connection) -> None:
        """One writer at a time: positions in the chain of reports are given in order."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})

    @contextmanager
    def once(self, name: str) -> Iterator[bool]:
        """A lock of the session: PostgreSQL gives it up by itself when the process or its machine is gone."""
        lock = {"lock": LOCK, "name": zlib.crc32(name.encode()) - 2**31}
        with self._single.connect() as connection:
            got = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:lock, :name)"), lock))
            try:
                yield got
            finally:
                if got:
                    with contextlib.suppress(DBAPIError):  # with the connection the lock is gone too
                        connection.execute(text("SELECT pg_advisory_unlock(:lock, :name)"), lock)

    def check(self) -> None:
        """Whether a PostgreSQL answers, is new enough, and can hold every text."""
        try:
            with self._single.connect() as connection:
                version, number, encoding = connection.execute(
                    text(
                        "SELECT current_setting('server_version'), current_setting('server_version_num'), "
                        "current_setting('server_encoding')"
                    )
                ).one()
        except DBAPIError as error:
            raise named(error, self.where) from None
        if int(number) < OLDEST:
            raise TooOld(f"{self.where}: {version} < {OLDEST // 10_000}")
        if encoding != "UTF8":
            raise WrongEncoding(f"{self.where}: {encoding}")

    def started(self) -> bool:
        """PostgreSQL recovers by itself."""
        return False

    def sound(self, seconds: float) -> bool:
        """Of that PostgreSQL takes care."""
        return True

    def close(self) -> None:
        """Close every connection."""
        self.reader.dispose()
        self.writer.dispose()


def shown(address: str) -> str:
    """An address as it may be shown: without its password, wherever it stands."""
    url = make_url(address)
    return url.difference_update_query(["password"]).render_as_string(hide_password=True)


def has_password(address: str) -> bool:
    """Whether an address holds a password. Raises :class:`DatabaseError` for what is none."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise DatabaseError("postgresql://…") from None
    return bool(url.password) or "password" in url.query


def not_durable(connection: Connection) -> list[str]:
    """The server's settings that let a power cut take back what was acknowledged, as ``name = value``."""
    found = []
    for name in ("fsync", "full_page_writes"):
        value = connection.scalar(text("SELECT current_setting(:name)"), {"name": name})
        if value != "on":
            found.append(f"{name} = {value}")
    return found


def _durable(connection: Any, record: Any) -> None:
    # Whatever the server's default: an acknowledgement means that the commit is on the disk. What asks for more, a
    # standby's disk too, stays.
    with connection.cursor() as cursor:
        cursor.executemany("SELECT set_config(%s, %s, false)", [(name, str(value)) for name, value in SESSION.items()])
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
    connection.commit()


def _throw_away(context: Any) -> None:
    if lost(context.original_exception):
        context.is_disconnect = True
