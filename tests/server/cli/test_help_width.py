"""Help fits 80 columns in both languages, as both programs print it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from muster_agent.text import cells

COMMANDS = [
    *(
        ("muster_server", command)
        for command in ("", "init", "token", "serve", "report", "policy", "policy check", "demo")
    ),
    *(("muster_agent", command) for command in ("", "check", "record", "enrol", "run")),
]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(("program", "command"), COMMANDS)
def test_no_line_is_wider_than_the_screen(program: str, command: str, lang: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", program, *command.split(), "--help", "--lang", lang],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if cells(line.rstrip()) > 80] == []
