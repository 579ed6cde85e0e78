"""muster evidence as a person types it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from muster_agent.text import cells
from muster_server.cli import main

ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1", "MUSTER_LANG": "en"}
ENVIRONMENT.pop("MUSTER_DATA", None)


def muster(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command muster, in this process: a second of start for each of them would add up."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    line = [sys.executable, *map(str, words)]
    ours = patch.object(sys, "argv", line), patch.dict(os.environ, {"MUSTER_LANG": "en"})
    with ours[0], ours[1], redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main()
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(line, int(ended.value.code or 0), *said)


@pytest.fixture(scope="module")
def data(filling: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment of three PCs and twelve reports."""
    folder: Path = tmp_path_factory.mktemp("cli") / "data"
    filling.filled(folder, 3, 4).close()
    return folder


def test_export_and_verify(data: Path, tmp_path: Path) -> None:
    done = muster("--data", data, "evidence", "export", "PC1", "--out", tmp_path / "e.zip")
    assert done.returncode == 0, done.stderr
    assert "4 reports (1-4), 1 keys" in done.stdout
    checked = muster("evidence", "verify", tmp_path / "e.zip")
    assert checked.returncode == 0, checked.stderr
    assert "Everything is as it was signed." in checked.stdout
    again = muster("--data", data, "evidence", "export", "PC1", "--out", tmp_path / "e.zip")
    assert again.returncode == 2 and "exists" in again.stderr


def test_the_whole_database_and_the_head_it_prints(data: Path) -> None:
    done = muster("--data", data, "evidence", "verify")
    assert done.returncode == 0, done.stderr
    found = re.search(r"head of the chain (12:[0-9a-f]{64})", done.stdout)
    assert found
    assert muster("--data", data, "evidence", "verify", "--head", found[1]).returncode == 0
    other = muster("--data", data, "evidence", "verify", "--head", "12:" + "0" * 64)
    assert other.returncode == 5
    assert "is not the one of the noted head" in other.stdout and "1 things are not" in other.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("evidence", "export", "nobody", "--out", "x.zip"), 2, "there is no PC nobody"),
        (("evidence", "export", "pc", "--out", "x.zip"), 2, "Did you mean: pc"),
        (("evidence", "export", "pc1"), 2, "--out"),
        (("evidence", "export", "pc1", "--out", "/nowhere/x.zip"), 5, "No such file"),
        (("evidence", "export", "pc1", "--out", "x.zip", "--since", "yesterday"), 2, "yesterday"),
        (("evidence", "verify", "/nowhere"), 5, "No such file"),
        (("evidence", "verify", "--head", "12"), 2, "POSITION:64"),
        (("evidence", "verify", "--server-key", "x"), 2, "for an export only"),
        (("evidence", "verify", "x", "--head", "1:" + "0" * 64), 2, "for the database only"),
    ],
)
def test_what_is_wrong_is_one_clear_line(data: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = muster("--data", data, *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
    assert not Path("x.zip").exists()


def test_an_export_is_compared_with_the_key_that_is_known_from_elsewhere(data: Path, tmp_path: Path) -> None:
    muster("--data", data, "evidence", "export", "pc1", "--out", tmp_path / "e")
    same = muster("evidence", "verify", tmp_path / "e", "--server-key", tmp_path / "e" / "server.pem")
    assert same.returncode == 0, same.stderr
    (tmp_path / "hex").write_text("0" * 64 + "\n")
    other = muster("evidence", "verify", tmp_path / "e", "--server-key", tmp_path / "hex")
    assert other.returncode == 5 and "another server" in other.stdout


def test_nothing_in_the_range_is_said_and_is_incomplete(data: Path, tmp_path: Path) -> None:
    done = muster("--data", data, "evidence", "export", "pc1", "--out", tmp_path / "e", "--since", "2030-01-01")
    assert done.returncode == 3 and "no report in that range" in done.stderr


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_help_fits_the_screen(lang: str) -> None:
    commands = ["evidence", "evidence export", "evidence verify", "backup", "restore", "prune", "upgrade", "doctor"]
    program = (
        "import sys; from muster_server import cli\n"
        "for command in sys.argv[3:]:\n"
        "    cli.program().main([*command.split(), '--help'], standalone_mode=False)"
    )
    line = [sys.executable, "-c", program, "--lang", lang, *commands]
    environment = {**ENVIRONMENT, "COLUMNS": "80"}
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, env=environment, check=True)
    assert len(done.stdout.splitlines()) > 80
    assert [line for line in done.stdout.splitlines() if cells(line.rstrip()) > 80] == []
