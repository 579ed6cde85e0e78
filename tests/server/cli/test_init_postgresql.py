"""A deployment on PostgreSQL, as a person makes and uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from muster_server.demo import running


def muster(data: Path, *words: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
    """A command of the program."""
    line = [sys.executable, "-m", "muster_server", "--data", str(data), "--lang", lang, *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=60)


def agent(home: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """A command of the agent's program."""
    line = [sys.executable, "-m", "muster_agent", "--lang", "en", *words, "--home", str(home)]
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=60)


def test_from_init_to_the_report(cluster: Any, tmp_path: Path) -> None:
    data, address = tmp_path / "data", cluster.new_database()
    made = muster(data, "init", "--database", address)
    assert made.returncode == 0, made.stderr
    assert f'database: "{address}"' in (data / "muster.yaml").read_text("utf-8")
    assert not (data / "muster.db").exists()
    again = muster(data, "init", "--database", address)
    assert (again.returncode, "Traceback" in again.stderr) == (5, False)
    token = muster(data, "token", "--unit", "IT")
    assert token.returncode == 0, token.stderr
    with running.server(data, 0) as url, running.server(data, 0) as other:
        enrolled = agent(tmp_path / "home", "enrol", url, given=token.stdout.splitlines()[-1])
        assert enrolled.returncode == 0, enrolled.stderr
        assert agent(tmp_path / "home", "run").returncode == 0
        assert url != other, "two servers run on one PostgreSQL"
    shown = muster(data, "report", "--json")
    assert shown.returncode in (0, 1, 3), shown.stderr
    assert "IT" in shown.stdout
    another = muster(tmp_path / "another", "init", "--database", address)
    assert (another.returncode, "holds tables already" in another.stderr) == (5, True)
    assert not (tmp_path / "another" / "muster.yaml").exists(), "nothing was made"


@pytest.mark.parametrize(
    ("address", "code", "says"),
    [
        ("postgresql://me:Tr0ub4dor@127.0.0.1:1/x", 2, "leave the password out"),
        ("postgresql://me@127.0.0.1:1/x?password=Tr0ub4dor", 2, "leave the password out"),
        ("mysql://me@127.0.0.1/x", 2, "begins with postgresql://"),
        ("postgresql://me@[::1/x", 5, "cannot be used"),
        ("postgresql://me@127.0.0.1:1/x", 5, "cannot be reached"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_made(tmp_path: Path, address: str, code: int, says: str) -> None:
    done = muster(tmp_path / "data", "init", "--database", address)
    assert (done.returncode, says in done.stderr) == (code, True), done
    assert "Tr0ub4dor" not in done.stderr + done.stdout and "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "muster.yaml").exists()


def test_a_server_on_a_postgresql_that_is_gone_or_read_only_says_so(cluster: Any, tmp_path: Path) -> None:
    data, address = tmp_path / "data", cluster.new_database()
    assert muster(data, "init", "--database", address).returncode == 0
    name = address.split("/")[3].split("?")[0]
    cluster.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    for words in (("serve", "--port", "0"), ("report",), ("token", "--unit", "x")):
        done = muster(data, *words)
        assert (done.returncode, "takes no writes now" in done.stderr) == (5, True), done
    cluster.execute(f"ALTER DATABASE {name} RENAME TO {name}_gone")
    done = muster(data, "report", lang="zh")
    assert (done.returncode, "PostgreSQL 拒绝访问" in done.stderr) == (5, True), done
