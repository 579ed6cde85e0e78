"""What can become of a SQLite file and of those who use it: a clear line, nothing lost, nothing made worse (B82)."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from muster_server.demo import running
from muster_server.store.database import Database, named
from muster_server.store.schema import boots
from muster_server.store.sqlite import wal_reset_safe
from muster_server.store.unusable import Damaged, Locked, LostLog

# Opens the file named by its argument, writes a row that stays in the log, and is killed.
KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import insert
from muster_server.store.database import Database
from muster_server.store.schema import boots
database = Database.open(Path(sys.argv[1]))
assert database.start()
with database.write() as connection:
    connection.execute(insert(boots).values(number=1, id="acknowledged"))
os.kill(os.getpid(), signal.SIGKILL)
"""
# Does something with the file named by its argument as an account that is not its owner's. The interpreter may lie
# where that account cannot come to, so all that is needed is loaded before.
OTHER = """
import os, pwd, sys, tempfile
from pathlib import Path
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError
from muster_server.store.database import Database, DatabaseError, named
from muster_server.store.schema import boots
with tempfile.TemporaryDirectory() as folder:
    Database.create(Path(folder) / "muster.db").close()
    database = Database.open(Path(folder) / "muster.db")
    with database.read() as connection:
        connection.execute(select(boots.c.id)).all()
    database.close()
if os.geteuid() == 0:
    account = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
try:
    database = Database.open(Path(sys.argv[1]))
    with getattr(database, sys.argv[2])() as connection:
        if sys.argv[2] == "write":
            connection.execute(insert(boots).values(number=1, id="x"))
        print(connection.execute(select(boots.c.id)).all())
    database.close()
except DatabaseError as error:
    print(error.code)
except DBAPIError as error:
    print(named(error).code)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database in a folder of its own."""
    path = tmp_path / "data" / "muster.db"
    path.parent.mkdir()
    Database.create(path).close()
    return path


def killed(path: Path) -> None:
    """A server writes and is killed: what it acknowledged lies in the log alone."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert path.with_name("muster.db-wal").stat().st_size > 0


def kept(path: Path) -> list[str]:
    """What the table boots holds."""
    database = Database.open(path)
    try:
        with database.read() as connection:
            return list(connection.scalars(select(boots.c.id)))
    finally:
        database.close()


def another(path: Path, does: str = "read") -> str:
    """What an account that is not the owner's gets to see."""
    line = [sys.executable, "-c", OTHER, str(path), does]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def public() -> Iterator[Path]:
    """A database in a folder that other accounts may look into."""
    with tempfile.TemporaryDirectory(prefix="muster-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "muster.db"
        Database.create(path).close()
        yield path
        Path(folder).chmod(0o755)


def test_what_a_killed_server_acknowledged_is_there_for_readers_and_the_next_server(path: Path) -> None:
    killed(path)
    assert kept(path) == ["acknowledged"]
    database = Database.open(path)
    assert database.start(), "looked through, because the last one did not stop in order"
    database.close()
    assert kept(path) == ["acknowledged"]
    assert not path.with_name("muster.db-serving").exists()


def test_a_file_is_looked_through_only_after_an_unclean_stop(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr("muster_server.store.sqlite.Sqlite.sound", lambda self, seconds: looked.append(seconds) or True)
    for _ in range(2):
        database = Database.open(path)
        database.start()
        database.close()
    assert looked == []
    killed(path)
    database = Database.open(path)
    database.start()
    database.close()
    assert len(looked) == 1


def test_a_large_file_is_looked_through_for_a_bounded_time(path: Path) -> None:
    database = Database.open(path)
    with database.write() as connection:
        connection.execute(insert(boots), [{"number": n, "id": f"{n}" * 200} for n in range(1, 20_000)])
    assert database._engines.sound(60.0)
    assert not database._engines.sound(-1.0)
    database.close()


def test_B82_a_log_that_was_deleted_is_missed_by_everybody(path: Path) -> None:
    killed(path)
    path.with_name("muster.db-wal").unlink()
    for opened in (lambda: Database.open(path), lambda: Database.at(path).start()):
        with pytest.raises(LostLog):
            opened()
    writing = Database.at(path)
    with pytest.raises(LostLog), writing.write():
        pass
    path.with_name("muster.db-serving").unlink()  # as the line says, where it is lost for good
    database = Database.open(path)
    assert database.start()
    database.close()
    assert kept(path) == []


def test_B82_a_log_that_somebody_else_took_over_is_not_missed(path: Path) -> None:
    killed(path)
    first = Database.open(path)
    with first.write() as connection:  # an administrator's act, say, before the server starts again
        connection.execute(insert(boots).values(number=2, id="meanwhile"))
    first.close()
    assert not path.with_name("muster.db-wal").exists()
    assert kept(path) == ["acknowledged", "meanwhile"]
    database = Database.open(path)
    assert database.start()
    database.close()


def test_B82_a_second_server_on_one_file_refuses(path: Path) -> None:
    first, second = Database.open(path), Database.open(path)
    first.start()
    with pytest.raises(Locked):
        second.start()
    second.close()
    assert path.with_name("muster.db-serving").exists(), "the first one is not taken for stopped"
    first.close()


def test_B82_a_page_that_was_flipped_is_found_after_an_unclean_stop(path: Path) -> None:
    database = Database.open(path)
    with database.write() as connection:
        connection.execute(insert(boots), [{"number": n, "id": f"{n}" * 100} for n in range(1, 5000)])
    with database.read() as connection:
        size = connection.exec_driver_sql("PRAGMA page_size").scalar()
        root = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'boots'").scalar()
    database.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 64)
    path.with_name("muster.db-serving").write_bytes(b"recovered\n")
    database = Database.open(path)
    with pytest.raises(Damaged):
        database.start()
    with pytest.raises(DBAPIError) as caught, database.read() as connection:
        connection.execute(select(boots)).all()
    assert type(named(caught.value)) is Damaged
    with pytest.raises(Damaged):
        database.check()
    database.close()


def test_B82_a_text_file_or_an_empty_one_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(Damaged):
        Database.open(tmp_path / "text.db")


def test_B82_a_file_that_may_only_be_read_serves_readers_and_refuses_the_rest(public: Path) -> None:
    public.chmod(0o444)
    public.parent.chmod(0o777)
    public.with_name("write.lock").chmod(0o666)
    assert another(public) == "[]"
    assert another(public, "write") == "store.read_only"


def test_B82_a_folder_that_may_only_be_read_is_a_clear_line(public: Path) -> None:
    public.chmod(0o644)
    public.parent.chmod(0o555)
    assert another(public) == "store.read_only"
    assert another(public, "write") == "store.read_only"


def test_B82_a_file_that_may_not_be_read_is_a_clear_line(public: Path) -> None:
    assert another(public) == "store.unusable"


def test_a_reader_beside_a_killed_server_writes_nothing(path: Path) -> None:
    killed(path)
    log = path.with_name("muster.db-wal")
    before = path.read_bytes(), log.read_bytes()
    assert kept(path) == ["acknowledged"]
    assert (path.read_bytes(), log.read_bytes()) == before
    assert path.with_name("muster.db-serving").read_bytes() == b"serving\n"


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 6, 23), True),  # before there was a log
        ((3, 7, 0), False),
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), False),  # withdrawn
        ((3, 53, 0), True),
        ((3, 54, 1), True),
    ],
)
def test_which_sqlite_has_the_fault(version: tuple[int, ...], safe: bool) -> None:
    assert wal_reset_safe(version) is safe
    assert isinstance(wal_reset_safe(sqlite3.sqlite_version_info), bool)


# -- as a person sees it ---------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A deployment."""
    muster(tmp_path / "d", "init")
    yield tmp_path / "d"


def muster(data: Path, *words: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
    """A command of the program."""
    line = [sys.executable, "-m", "muster_server", "--data", str(data), "--lang", lang, *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=60)


def refused(data: Path, *words: str, says: str, lang: str = "en") -> None:
    """It ends with one clear line, and 5."""
    done = muster(data, *words, lang=lang)
    assert (done.returncode, "Traceback" in done.stderr) == (5, False), done
    assert says in done.stderr and len(done.stderr.splitlines()) <= 2, done.stderr


def test_B82_as_a_person_sees_it(data: Path) -> None:
    with running.server(data, 0):
        refused(data, "serve", "--port", "0", says="already runs")
        assert muster(data, "report").returncode in (0, 1, 3)
    raw = sqlite3.connect(data / "muster.db")
    for version, says, chinese in (("0001", "muster upgrade", "较旧版本"), ("9999", "newer Muster", "较新版本")):
        raw.execute("UPDATE alembic_version SET version_num = ?", (version,))
        raw.commit()
        refused(data, "report", says=says)
        refused(data, "serve", "--port", "0", says=chinese, lang="zh")
    raw.close()
    (data / "muster.db-serving").write_bytes(b"serving\n")
    refused(data, "serve", "--port", "0", says="muster.db-wal")
    refused(data, "report", says="muster.db-serving")
