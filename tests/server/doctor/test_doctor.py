"""The doctor: well where all is well, and for each thing that is wrong one line that says what to do."""

from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from muster_server.backup import making
from muster_server.cli.doctor import text
from muster_server.deployment import Deployment
from muster_server.doctor import Found, Level, content, running, system
from muster_server.doctor.examination import examine
from muster_server.settings import Settings
from muster_server.store import space
from muster_server.store.unusable import DatabaseError
from muster_server.tls import acts, folder
from muster_server.words import LANGUAGES, Words

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def template(filling: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment in which all is well: certificate, administrator, backup."""
    data: Path = tmp_path_factory.mktemp("doctor") / "data"
    filled = filling.filled(data, 2, 3)
    acts.make(data, "Test", ("localhost", "127.0.0.1"), NOW)
    filled.deployment.first_administrator("os:test")
    settings = data / "muster.yaml"
    settings.write_text(settings.read_text("utf-8") + "keep_free: 1\n", "utf-8")
    making.make(data, data / "muster.db", data.parent / "b.tar", NOW)
    filled.close()
    return data


@pytest.fixture
def made(template: Path, tmp_path: Path) -> Deployment:
    """One of one's own."""
    return Deployment(shutil.copytree(template, tmp_path / "data"))


def found(deployment: Deployment) -> dict[str, Level]:
    """Level by code; every line is worded in both languages."""
    all_of_it = list(examine(deployment))
    for one in all_of_it:
        for lang in LANGUAGES:
            said, advice = text(one, Words(lang))
            assert said and "{" not in said.replace("{zh", "")
            assert advice or one.level is Level.OK or one.code == "settings_wrong", one
    return {one.code: one.level for one in all_of_it}


def bad(deployment: Deployment) -> dict[str, Level]:
    """Only what is not well."""
    return {code: level for code, level in found(deployment).items() if level is not Level.OK}


def edit(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_all_is_well_but_for_the_server_that_does_not_run(made: Deployment) -> None:
    levels = found(made)
    assert {code: level for code, level in levels.items() if level is not Level.OK} == {"server_none": Level.WARN}
    assert len(levels) >= 19


AGENT = "UPDATE agents SET {} WHERE number = 1"
EDITS = {
    AGENT.format("approved_at = NULL"): {"awaiting": Level.WARN},
    AGENT.format("conflict_at = '2026-01-01T00:00:00.000000Z'"): {"conflicts": Level.WARN},
    "UPDATE reports SET chain = x'00' WHERE position = 4": {"chain_broken": Level.FAIL},
    "DELETE FROM reports WHERE position = 6": {"chain_not_of_backup": Level.FAIL},
    "UPDATE reports SET received_at = received_at + 315360000000000 WHERE position = 6": {
        "chain_broken": Level.FAIL,
        "clock_behind": Level.FAIL,
    },
    "UPDATE readers SET expires_at = '2027-01-01T00:00:00.000000Z'": None,
    "DELETE FROM readers": {"access_no_administrator": Level.WARN},
    "UPDATE alembic_version SET version_num = '0001'": {"schema_older": Level.FAIL},
    "UPDATE alembic_version SET version_num = '9999'": {"schema_newer": Level.FAIL},
}


@pytest.mark.parametrize("statement", EDITS)
def test_what_is_wrong_in_the_database(made: Deployment, statement: str) -> None:
    expected = EDITS[statement]
    if expected is None:  # within the thirty days before the end, whatever the day of the test
        soon = (NOW + timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        statement, expected = f"UPDATE readers SET expires_at = '{soon}'", {"access_ending": Level.WARN}
    edit(made.path / "muster.db", statement)
    assert bad(made) == {**expected, "server_none": Level.WARN}


def test_the_audit_log_is_gone_through(made: Deployment) -> None:
    path = made.path / "muster.db"
    edit(path, "DROP TRIGGER audit_keeps")
    edit(path, "UPDATE audit SET entry = x'7b7d' WHERE position = 2")
    assert bad(made)["audit_broken"] is Level.FAIL


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[20_000:-1] = b"\xff" * (len(data) - 20_001)
    path.write_bytes(data)


CHANGES: dict[str, tuple[Callable[[Path], Any], dict[str, Level]]] = {
    "key readable": (lambda data: (data / "server-key.pem").chmod(0o640), {"file_open": Level.FAIL}),
    "folder open": (lambda data: data.chmod(0o755), {"folder_open": Level.FAIL}),
    "settings writable": (lambda data: (data / "muster.yaml").chmod(0o666), {"file_open": Level.FAIL}),
    "no key": (lambda data: (data / "server-key.pem").unlink(), {"key_unusable": Level.FAIL}),
    "no key in it": (lambda data: (data / "server-key.pem").write_text("x"), {"key_unusable": Level.FAIL}),
    "policies": (lambda data: (data / "policies" / "p.yaml").write_text("a: ["), {"policies_wrong": Level.FAIL}),
    "no certificate": (lambda data: (data / "tls" / "server.pem").unlink(), {"certificate_fault": Level.FAIL}),
    "a backup of tomorrow": (
        lambda data: (data / "last-backup.json").write_text(
            '{"at": "2099-01-01T00:00:00.000000Z", "path": "/b.tar", "head": "0:"}'
        ),
        {"backup_ahead": Level.WARN},
    ),
    "a stamp without a zone": (
        lambda data: (data / "last-backup.json").write_text(
            '{"at": "2026-01-01T00:00:00", "path": "/b", "head": "0:"}'
        ),
        {"backup_none": Level.WARN},
    ),
    "no backup": (lambda data: (data / "last-backup.json").unlink(), {"backup_none": Level.WARN}),
    "damaged stamp": (lambda data: (data / "last-backup.json").write_text("{"), {"backup_none": Level.WARN}),
    "full": (lambda data: (data / space.FULL).touch(), {"disk_full": Level.FAIL}),
    "no database": (lambda data: (data / "muster.db").unlink(), {"database": Level.FAIL}),
    "damaged": (lambda data: damage(data / "muster.db"), {}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_wrong_with_the_files(made: Deployment, what: str) -> None:
    change, expected = CHANGES[what]
    change(made.path)
    wrong = bad(made)
    assert {**wrong, **expected} == wrong, wrong
    assert Level.FAIL in wrong.values() or Level.WARN in expected.values()


def test_settings_that_cannot_be_read_leave_the_rest_checked(made: Deployment) -> None:
    (made.path / "muster.yaml").write_text("nonsense: 1\n")
    levels = found(made)
    assert levels["settings_wrong"] is Level.FAIL and levels["key"] is Level.OK


def test_an_old_backup_is_said(made: Deployment) -> None:
    later = NOW + timedelta(days=9)
    assert [one.code for one in content.backups(made.path, later)] == ["backup_old"]


def test_room_on_the_disk(tmp_path: Path) -> None:
    free = space.Space(tmp_path, 1).look().free // space.MEGABYTE
    for keep, code in ((1, "disk"), (free * 2 // 3, "disk_soon"), (free * 2, "disk_filling")):
        settings = Settings(office=None, keep_free=keep)  # type: ignore[arg-type]
        assert [one.code for one in system.disk(tmp_path, settings)] == [code]


def test_a_clock_that_was_never_set() -> None:
    [one] = system.clock(datetime(1970, 1, 2, tzinfo=UTC), None)
    assert (one.level, one.code) == (Level.FAIL, "clock_unset")


def test_postgresql(cluster: Any, filling: Any, tmp_path: Path) -> None:
    filled = filling.filled(tmp_path / "data", 1, 2, database=cluster.new_database())
    levels = found(filled.deployment)
    filled.close()
    assert levels["postgresql_fsync"] is Level.FAIL, "the PostgreSQL of the tests runs with fsync=off"
    assert levels["schema"] is levels["chain"] is levels["audit"] is Level.OK


def test_a_postgresql_that_does_not_answer(made: Deployment) -> None:
    settings = made.path / "muster.yaml"
    settings.write_text('database: "postgresql://nobody@127.0.0.1:1/x"\n' + settings.read_text())
    assert bad(made)["database"] is Level.FAIL


def test_a_check_that_breaks_is_unknown_and_the_rest_go_on(made: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Found]:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(system, "files", broken)
    levels = bad(made)
    assert levels == {"not_checked": Level.UNKNOWN, "server_none": Level.WARN}


# -- the running server ----------------------------------------------------------------------------------------------


class Ready(BaseHTTPRequestHandler):
    """Answers /readyz with what it is told."""

    status = 200

    def do_GET(self) -> None:
        """The answer."""
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, format: str, *given: Any) -> None:
        """Quiet."""


@pytest.fixture
def listening() -> Iterator[Callable[..., int]]:
    """Starts servers; returns the port."""
    started: list[HTTPServer] = []

    def start(status: int, tls: folder.Files | None = None) -> int:
        server = HTTPServer(("127.0.0.1", 0), type("Handler", (Ready,), {"status": status}))
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.server, tls.server_key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return int(server.server_address[1])

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def asked(data: Path, address: str) -> Found:
    """What the doctor says while a server holds the lock."""
    (data / running.LOCK).write_text(address + "\n")
    with (data / running.LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        [one] = running.server(data, folder.files(data).ca)
    return one


def test_a_server_is_asked_whether_it_is_ready(made: Deployment, listening: Callable[..., int]) -> None:
    data = made.path
    for status, code in ((200, "server"), (503, "server_not_ready")):
        for host in ("127.0.0.1", "0.0.0.0"):
            assert asked(data, f"http://{host}:{listening(status)}").code == code
    assert asked(data, "http://127.0.0.1:1").code == "server_silent"
    assert asked(data, "").code == "server_somewhere"


def test_a_server_is_asked_over_tls_by_its_own_authority(made: Deployment, listening: Callable[..., int]) -> None:
    data = made.path
    port = listening(200, folder.files(data))
    assert asked(data, f"https://127.0.0.1:{port}").code == "server"
    (data.parent / "other").mkdir()
    acts.make(data.parent / "other", "Other", ("localhost",), NOW)
    other = listening(200, folder.files(data.parent / "other"))
    one = asked(data, f"https://127.0.0.1:{other}")
    assert (one.level, one.code) == (Level.UNKNOWN, "server_unasked")


def test_a_damaged_database_is_named(made: Deployment) -> None:
    damage(made.path / "muster.db")
    with pytest.raises(DatabaseError):
        making.make(made.path, made.path / "muster.db", made.path / "x.tar", NOW)


def test_what_stands_on_stdout_as_json(made: Deployment) -> None:
    from click.testing import CliRunner

    from muster_server.cli import Context
    from muster_server.cli.doctor import command

    done = CliRunner().invoke(command(Words("en")), ["--json"], obj=Context(made.path, Words("en")))
    said = json.loads(done.stdout)
    assert done.exit_code == 3
    assert {one["check"]: one["level"] for one in said}["server_none"] == "warn"
    assert all(set(one) == {"level", "check", "text", "advice"} for one in said)
