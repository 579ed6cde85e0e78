"""A real `muster serve` in a process of its own, on a small office, for figures that only a process can give."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import small_office

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Running:
    """The process and where it listens."""

    url: str
    port: int
    process: subprocess.Popen[str]
    office: Any  # closed: its credentials, token and ids

    def memory(self, name: str) -> int:
        """A line of its status in kB, e.g. VmRSS."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(re.findall(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[0])


def prepare(folder: Path) -> Any:
    """A small office that nobody serves yet."""
    office = small_office.make(folder / "data")
    office.close()
    return office


@contextmanager
def serve(office: Any, program: tuple[str, ...] = ("-m", "muster_server")) -> Iterator[Running]:
    """Serve ``office`` until the end of the block."""
    environment = {**os.environ, "MUSTER_LANG": "en", "PYTHONPATH": f"{ROOT / 'agent'}:{ROOT / 'server'}"}
    process = subprocess.Popen(
        [sys.executable, *program, "--data", str(office.path), "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        (url,) = re.findall(r"https?://[0-9.:]+", process.stdout.readline())
        yield Running(url, int(url.rpartition(":")[2]), process, office)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
