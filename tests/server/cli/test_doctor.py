"""muster doctor and muster report beside a real server: asked whether it is ready, and told since when it is full."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from muster_server.store.space import BALLAST, FULL

ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1", "MUSTER_LANG": "en"}


@pytest.fixture
def serving(filling: Any, tmp_path: Path) -> Iterator[Path]:
    """The data folder of a running server."""
    data = tmp_path / "data"
    filling.filled(data, 1, 2).close()
    line = [sys.executable, "-m", "muster_server", "--data", str(data), "serve", "--port", "0"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout is not None
    try:
        assert re.search(r"http://\S+", process.stdout.readline())
        yield data
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_running_server_is_asked(serving: Path, in_process: Callable[..., Any]) -> None:
    done = in_process("--data", serving, "doctor")
    assert done.code == 3, done.out
    assert re.search(r"ok    the server is ready \(http://127.0.0.1:\d+/readyz\)", done.out)
    assert (serving / BALLAST).stat().st_size > 0, "the server has laid it down"
    refused = in_process("--data", serving, "upgrade")
    assert refused.code == 5 and "a server is running" in refused.err


def test_a_full_disk_is_said_by_report_and_doctor(filling: Any, tmp_path: Path, in_process: Callable[..., Any]) -> None:
    filling.filled(tmp_path / "data", 1, 2).close()
    (tmp_path / "data" / FULL).touch()
    report = in_process("--data", tmp_path / "data", "report")
    assert report.code == 0 and "Storage full since" in report.err and report.out
    doctor = in_process("--data", tmp_path / "data", "doctor")
    assert doctor.code == 5 and "storage full since" in doctor.out


def test_what_is_no_deployment_is_a_clear_line(tmp_path: Path, in_process: Callable[..., Any]) -> None:
    done = in_process("--data", tmp_path, "doctor")
    assert done.code == 5 and "init" in done.err
