"""A real server for the time of the demonstration: the command ``muster serve`` in a process of its own."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_LIMIT = 60  # seconds until it must have said where it listens
STOP_LIMIT = 60  # seconds to finish what has come in
ADDRESS = re.compile(r"https?://\S+")


class NotStarted(Exception):
    """The server did not start; the message is what it said."""


@contextmanager
def server(data: Path, port: int) -> Iterator[str]:
    """Serve the deployment at ``data`` on loopback (port 0: any free one); gives the address, stops cleanly."""
    words = [sys.executable, "-m", "muster_server", "--data", str(data), "--lang", "en", "serve", "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and our own package
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout is not None
    try:
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            said = process.stdout.readline() if waiting.select(START_LIMIT) else ""
        found = ADDRESS.search(said)  # nothing: it ended before it listened, or it says nothing at all
        if found is None:
            process.kill()
            raise NotStarted(process.communicate()[1].strip())
        yield found.group()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=STOP_LIMIT)
