"""muster serve as a person types it: which certificate, which proxy, what it logs, and how it ends when it must."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
MODULE = ("-m", "muster_server")
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with a certificate of its own."""
    path = tmp_path_factory.mktemp("serve") / "data"
    line = [sys.executable, *MODULE, "--data", str(path), "init", "--host", "127.0.0.1"]
    subprocess.run(line, check=True, capture_output=True, timeout=60, env=ENVIRONMENT)
    return path


@contextlib.contextmanager
def serving(
    data: Path, *words: str, start: tuple[str, ...] = MODULE, before: Callable[[], None] | None = None
) -> Iterator[tuple[str, int, subprocess.Popen[str]]]:
    """The scheme, the port and the process of a server."""
    line = [sys.executable, *start, "--lang", "en", "--data", str(data), "serve", "--port", "0", *words]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, preexec_fn=before
    )
    try:
        assert process.stdout is not None
        found = re.search(r"(https?)://\S+:(\d+)", process.stdout.readline())
        assert found, process.communicate(timeout=30)[1]
        yield found[1], int(found[2]), process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def ask(port: int, ca: Path | None = None, source: str = "127.0.0.1", request: bytes = HEALTH) -> bytes:
    """Everything it answers."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
    if ca is not None:
        connection = ssl.create_default_context(cafile=str(ca)).wrap_socket(connection, server_hostname="127.0.0.1")
    with connection:
        received = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
            while more := connection.recv(65536):
                received += more
    return received


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """How it ended by itself or after SIGTERM, and what it said to stderr."""
    _, said = process.communicate(timeout=30)
    return process.returncode, said


def test_its_own_certificate_is_used_off_loopback_and_when_asked_for(data: Path) -> None:
    for words in (("--host", "0.0.0.0"), ("--tls",)):
        with serving(data, *words) as (scheme, port, _):
            assert scheme == "https"
            assert ask(port, data / "tls" / "ca.pem").startswith(b"HTTP/1.1 200 ")
    with serving(data) as (scheme, port, _):
        assert scheme == "http"
        assert ask(port).startswith(b"HTTP/1.1 200 ")


def test_behind_a_proxy_it_serves_the_proxy_alone(data: Path) -> None:
    with serving(data, "--host", "0.0.0.0", "--proxy", "10.9.9.9,127.0.0.5/32", "--log", "json") as (
        scheme,
        port,
        process,
    ):
        assert scheme == "http"
        assert ask(port, source="127.0.0.5").startswith(b"HTTP/1.1 200 ")
        assert ask(port, source="127.0.0.1") == b""
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    [line] = [json.loads(line) for line in said.splitlines()]
    assert (code, line["code"], line["peer"]) == (0, "not_the_proxy", "127.0.0.1")


def test_B36_the_log_is_json_lines_where_nobody_sits_before_it(data: Path) -> None:
    with serving(data) as (_, port, process):
        for _ in range(50):
            ask(port, request=b"GET \x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    first, last = map(json.loads, said.splitlines())
    assert (code, first["code"], last["left_out"]) == (0, "bad_request", 49)


def test_a_disk_that_does_not_confirm_ends_the_server_with_5_and_a_clear_line(data: Path) -> None:
    code = (
        "import threading; from muster_server.cli import serve; made = serve.Ending.__init__;"
        "serve.Ending.__init__ = lambda self: (made(self), threading.Timer(1.5, self.stop, ['sync']).start())[0];"
        "from muster_server.__main__ import main; main()"
    )
    with serving(data, start=("-c", code)) as (_, port, process):
        assert ask(port).startswith(b"HTTP/1.1 200 ")
        returned, said = ended(process)
    assert returned == 5
    assert said.splitlines()[0] == "muster: the server stopped: the disk did not confirm what was written"
    assert "Traceback" not in said


def test_fewer_open_files_than_needed_are_said_and_fewer_connections_taken(data: Path) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (150, 200))

    with serving(data, before=few) as (_, port, process):
        assert ask(port).startswith(b"HTTP/1.1 200 ")
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert code == 0
    assert said.splitlines() == [
        "the system allows 200 open files: 100 connections at once instead of 1000; raise ulimit -n."
    ]
