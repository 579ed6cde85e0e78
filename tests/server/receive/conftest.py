"""A real server on loopback, and PCs that talk to it with their own keys."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from muster_agent.commands.enrol import enrol
from muster_agent.facts import Boot, OsVersion, SystemInfo, Table, Tables
from muster_agent.local import LocalMachine
from muster_agent.sending.home import Enrolment, Home, State
from muster_agent.sending.http import Answer, post
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport, sign
from muster_agent.sending.send import headers_of
from muster_server.receive.app import Receiver
from muster_server.store import tokens
from muster_server.store.database import Database
from muster_server.store.schema import reports
from muster_server.store.statements import Stored, everything, stored
from muster_server.store.tokens import Terms

AT = "2026-11-24T08:00:00Z"


@dataclass
class Server:
    """A running server: its address, its database, its key, and the PCs whose reports it accepted, in order."""

    url: str
    database: Database
    key: SigningKey
    folder: Path
    accepted: list[str] = field(default_factory=list)
    receiver: Any = None  # what answers behind it

    def token(self, unit: str = "信息科", uses: int = 1, hours: float = 1.0) -> str:
        """A new enrolment token."""
        now = datetime.now(UTC)
        with self.database.write() as connection:
            return tokens.issue(connection, Terms(unit, uses), "os:test", now, now + timedelta(hours=hours))

    def pc(self, name: str = "pc", unit: str = "信息科") -> PC:
        """An enrolled PC."""
        home = Home(str(self.folder / name))
        return PC(home, enrol(home, self.url, self.token(unit), None, LocalMachine()), hostname=name)

    def ask(self, sql: str) -> list[Any]:
        """Rows of the database."""
        with self.database.read() as connection:
            return list(connection.exec_driver_sql(sql))

    def stored(self) -> list[Stored]:
        """Every report it has taken in, in the order of the chain."""
        with self.database.read() as connection:
            return [stored(row) for row in connection.execute(everything().order_by(reports.c.position))]


@dataclass
class PC:
    """An enrolled PC that signs what a test tells it to say."""

    home: Home
    enrolment: Enrolment
    hostname: str
    last: State = field(default_factory=State)

    @property
    def key(self) -> SigningKey:
        """Its key."""
        return SigningKey.load(str(self.home.key))

    def tables(self, major: int = 12) -> Tables:
        """What it says of itself."""
        return {
            "os_version": Table((OsVersion(name="Debian", platform="debian", major=major),)),
            "system_info": Table((SystemInfo(hostname=self.hostname),)),
            "boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),)),
        }

    def sign(self, tables: Tables | None = None, last: State | None = None) -> SignedReport:
        """The next report, or the one that follows ``last``."""
        return sign(tables or self.tables(), self.enrolment.agent, self.key, last or self.last, AT)[1]

    def post(self, signed: SignedReport, **headers: str) -> Answer:
        """Bring a report to the server."""
        return post(self.enrolment.server, "/v1/reports", signed.body, {**headers_of(signed), **headers})


ON_BOTH = ("test_reports", "test_routes", "test_delivery")  # modules whose every test runs on both databases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The same tests on SQLite and on PostgreSQL."""
    if "address" in metafunc.fixturenames and Path(metafunc.module.__file__).stem in ON_BOTH:
        metafunc.parametrize("address", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where the database of the server is made."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return tmp_path / "muster.db"
    made: str = request.getfixturevalue("cluster").new_database()
    return made


@pytest.fixture
def start(address: Path | str, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers on one deployment, one after the other."""
    database = Database.create(address)
    key = SigningKey.generate()
    stops: list[Callable[[], None]] = []

    def begin(judged: Callable[[str], Any] = lambda pc: None) -> Server:
        server = Server("", database, key, tmp_path)
        receiver = server.receiver = Receiver(database, key, server.accepted.append, judged)
        running = uvicorn.Server(
            uvicorn.Config(receiver.application(), port=0, log_level="error", lifespan="off", ws="none")
        )
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.01)
        port = running.servers[0].sockets[0].getsockname()[1]
        server.url = f"http://127.0.0.1:{port}"

        def stop() -> None:
            running.should_exit = True
            thread.join(10)
            receiver.close()

        stops.append(stop)
        return server

    yield begin
    for stop in stops:
        stop()
    database.close()


@pytest.fixture
def server(start: Callable[[], Server]) -> Server:
    """One running server."""
    return start()
