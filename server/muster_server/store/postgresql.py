"""PostgreSQL: for several server processes on one database. The schema and the queries are those of SQLite."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

DRIVER = "postgresql+psycopg"
WRITERS = 2  # connections a server process keeps for writing: its one writing thread, and an administrator's act
READERS = 8
LOCK = 0x4D555354  # the advisory lock of whoever writes: "MUST"


class PostgreSql:
    """The engines on one database. Raises ``ValueError`` for an address that is not PostgreSQL's."""

    def __init__(self, address: str) -> None:
        url = make_url(address)
        if url.get_backend_name() != "postgresql":
            raise ValueError(shown(address))
        url = url.set(drivername=DRIVER)
        # A server that has become a standby takes reads and refuses writes: never stay connected to one.
        arguments: dict[str, Any] = {"target_session_attrs": "read-write", "connect_timeout": 10}
        self.reader: Engine = create_engine(
            url,
            connect_args=arguments,
            pool_size=READERS,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ",
        ).execution_options(postgresql_readonly=True)
        self.writer: Engine = create_engine(url, connect_args=arguments, pool_size=WRITERS, pool_pre_ping=True)
        event.listen(self.writer, "connect", _durable)

    def alone(self) -> AbstractContextManager[None]:
        """Nothing to hold in this process; :meth:`serialise` waits in the database."""
        return contextlib.nullcontext()

    def serialise(self, connection: Connection) -> None:
        """One writer at a time: positions in the chain of reports are given in order."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})

    def must_exist(self) -> None:
        """Connecting will tell."""


def shown(address: str) -> str:
    """An address as it may be shown: without its password."""
    return make_url(address).render_as_string(hide_password=True)


def _durable(connection: Any, record: Any) -> None:
    # Whatever the server's default: an acknowledgement means that the commit is on the disk.
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
    connection.commit()
