"""muster backup, restore, prune and upgrade as a person types them; and a server that was restored from last week."""

from __future__ import annotations

import fcntl
import gzip
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from muster_server.cli import main
from muster_server.store import copying

ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1", "MUSTER_LANG": "en"}
ENVIRONMENT.pop("MUSTER_DATA", None)
OLD = Path(__file__).parents[1] / "store" / "schemas" / "0001.db.gz"


def muster(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command muster, in this process: a second of start for each of them would add up."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    line = [sys.executable, *map(str, words)]
    ours = patch.object(sys, "argv", line), patch.dict(os.environ, {"MUSTER_LANG": "en"})
    with ours[0], ours[1], redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main()
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(line, int(ended.value.code or 0), *said)


def agent(*words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command muster-agent."""
    line = [sys.executable, "-m", "muster_agent", *map(str, words)]
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=60, env=ENVIRONMENT)


@contextmanager
def serving(data: Path, port: int = 0) -> Iterator[str]:
    """A running server and its address."""
    line = [sys.executable, "-m", "muster_server", "--data", str(data), "serve", "--port", str(port)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        found = re.search(r"https?://\S+", said)
        assert found, said + process.communicate(timeout=10)[1]
        yield found.group()
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def data(filling: Any, tmp_path: Path) -> Path:
    """A deployment of two PCs."""
    filling.filled(tmp_path / "data", 2, 3).close()
    return tmp_path / "data"


def test_there_and_back(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.tar"
    done = muster("--data", data, "backup", path)
    assert done.returncode == 0, done.stderr
    head = re.search(r"head of the chain (6:[0-9a-f]{64})", done.stdout)
    assert head and "6  reports" in done.stdout
    assert muster("--data", data, "backup", path).returncode == 2
    checked = muster("restore", path, "--verify")
    assert checked.returncode == 0 and head[1] in checked.stdout, checked.stderr
    restored = muster("restore", path, "--to", tmp_path / "new", "--verify")
    assert restored.returncode == 0, restored.stderr
    assert "enrol again" in " ".join(restored.stdout.split())
    assert muster("--data", tmp_path / "new", "evidence", "verify", "--head", head[1]).returncode == 0
    assert muster("restore", path, "--to", data).returncode == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("restore", "{tar}"), 2, "--to"),
        (("restore", "{tar}", "--verify", "--database", "postgresql://x/y"), 2, "--database goes with --to"),
        (("restore", "{tar}", "--to", "{new}", "--database", "mysql://x/y"), 2, "postgresql://"),
        (("restore", "{text}", "--verify"), 5, "not a whole backup"),
        (("restore", "/nowhere.tar", "--verify"), 5, "No such file"),
        (("backup", "/nowhere/x.tar"), 5, "No such file"),
        (("backup",), 2, "FILE.tar"),
    ],
)
def test_what_is_wrong_is_one_clear_line(
    data: Path, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    places = {"tar": tmp_path / "b.tar", "text": tmp_path / "text", "new": tmp_path / "new"}
    places["text"].write_text("text " * 1000)
    muster("--data", data, "backup", places["tar"])
    done = muster("--data", data, *(word.format(**places) for word in words))
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
    assert not places["new"].exists()


def test_B81_a_server_restored_from_last_week_takes_its_pcs_as_they_come(tmp_path: Path) -> None:
    data, home = tmp_path / "data", tmp_path / "home"
    assert muster("--data", data, "init", "--name", "x").returncode == 0
    with serving(data) as url:
        port = int(url.rsplit(":", 1)[1])
        token = muster("--data", data, "token", "--unit", "IT").stdout.split()[0]
        assert agent("enrol", url, "--home", home, given=token).returncode == 0
        assert agent("run", "--home", home).returncode == 0
        assert muster("--data", data, "backup", tmp_path / "week.tar").returncode == 0
        assert agent("run", "--home", home).returncode == 0
    data.rename(tmp_path / "lost")
    assert muster("restore", tmp_path / "week.tar", "--to", data, "--verify").returncode == 0
    connection = sqlite3.connect(data / "muster.db")  # and what the PC takes for known is not there
    connection.execute("DELETE FROM bodies")
    connection.commit()
    connection.close()
    with serving(data, port):
        done = agent("run", "--home", home)
        assert done.returncode == 0, done.stdout + done.stderr
    found = muster("--data", data, "evidence", "verify")
    assert found.returncode == 0, found.stdout
    assert "1 gaps, 1 reports" in found.stdout, "what came between the backup and the loss"
    connection = sqlite3.connect(data / "muster.db")
    [[said]] = connection.execute(
        "SELECT body FROM manifests WHERE digest = (SELECT manifest FROM intervals ORDER BY id DESC LIMIT 1)"
    )
    named = {entry["digest"] for entry in json.loads(said)["tables"].values() if "digest" in entry}
    assert named <= {row[0] for row in connection.execute("SELECT digest FROM bodies")}, "asked for, and sent again"
    assert connection.execute("SELECT count(*) FROM agents WHERE conflict_at IS NOT NULL").fetchone() == (0,)
    connection.close()


# -- upgrade ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def old(data: Path) -> Path:
    """A deployment as version 0.1 left it."""
    for path in data.glob("muster.db*"):
        path.unlink()
    (data / "muster.db").write_bytes(gzip.decompress(OLD.read_bytes()))
    return data


def test_an_older_database_is_backed_up_migrated_and_verified(old: Path, tmp_path: Path) -> None:
    assert muster("--data", old, "report").returncode == 5
    done = muster("--data", old, "upgrade")
    assert done.returncode == 0, done.stdout + done.stderr
    [backup] = (old / "before-upgrade").iterdir()
    assert str(backup) in done.stdout and "Everything is as it was signed." in done.stdout
    assert "up to date" in muster("--data", old, "upgrade").stdout
    assert len(list((old / "before-upgrade").iterdir())) == 1
    again = muster("restore", backup, "--to", tmp_path / "again", "--verify")
    assert again.returncode == 0 and "brought up to date from schema 0001" in again.stdout


def test_an_upgrade_waits_for_no_server_and_none_starts_meanwhile(old: Path) -> None:
    with (old / "serve.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = muster("--data", old, "upgrade")
    assert done.returncode == 5 and "a server is running" in done.stderr
    assert not (old / "before-upgrade").exists()


def test_an_upgrade_that_was_interrupted_can_be_run_again(old: Path) -> None:
    program = (
        "import os, sys; from muster_server.store.database import Database; "
        "Database.migrate = lambda self: os._exit(9); from muster_server.cli import main; main()"
    )
    line = [sys.executable, "-c", program, "--data", str(old), "upgrade"]
    assert subprocess.run(line, capture_output=True, timeout=60, env=ENVIRONMENT).returncode == 9
    assert muster("--data", old, "upgrade").returncode == 0
    assert len(list((old / "before-upgrade").iterdir())) == 2


def test_a_newer_schema_is_not_touched(data: Path) -> None:
    copying.settle(data / "muster.db")
    connection = sqlite3.connect(data / "muster.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = (data / "muster.db").read_bytes()
    done = muster("--data", data, "upgrade")
    assert done.returncode == 5 and "9999" in done.stderr
    assert (data / "muster.db").read_bytes() == before and not (data / "before-upgrade").exists()


# -- prune -----------------------------------------------------------------------------------------------------------


def test_prune_says_what_it_would_do_and_does_it(data: Path) -> None:
    with (data / "muster.yaml").open("a") as file:
        file.write("keep_history: 184d\n")
    told = muster("--data", data, "prune", "--dry-run")
    assert told.returncode == 0 and "6 reports would go" in told.stdout, told.stdout
    assert "6  reports" in muster("--data", data, "evidence", "verify").stdout
    done = muster("--data", data, "prune")
    assert done.returncode == 0 and "uses it again" in done.stdout, done.stderr
    found = muster("--data", data, "evidence", "verify")
    assert found.returncode == 0 and "Older reports have passed their term" in found.stdout
    assert "no report is older than 184 days" in muster("--data", data, "prune").stdout
