"""The server calls no other machine: what is not there cannot be turned against anybody (security.md B60 to B65).

Collecting over SSH is planned and not built. Whoever builds it takes these tests away and writes the ones the list
asks for: addresses that are never reached, host keys, endless answers, the remote's own PATH, no agent forwarding, old
algorithms.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "torture"))

import load  # noqa: E402  # beside the torture it was written for

CALLERS = {"paramiko", "urllib.request", "http.client", "requests", "httpx", "ftplib", "smtplib", "telnetlib"}
# The command line asks a server that the person names (muster --server), the doctor asks the one on this machine.
ASKED = ("cli", "doctor")


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_B60_the_server_connects_to_nothing_while_it_works(tmp_path: Path) -> None:
    deployment = load.new_deployment(tmp_path / "data")
    pcs = load.enrolled(deployment, 3)
    key, port, ledger = deployment.key().public, load.free_port(), load.Ledger()
    trace = tmp_path / "trace"
    watched = ("strace", "-f", "-qq", "-e", "trace=connect", "-o", str(trace))
    with load.serving(deployment.path, port, wrapped=watched):
        sending = threading.Thread(target=load.load, args=(pcs, f"http://127.0.0.1:{port}", key, ledger, 2.5))
        sending.start()
        sending.join()
    assert ledger.receipts
    called = re.findall(r"connect\(\d+, \{sa_family=(AF_INET6?), .*", trace.read_text())
    assert called == []


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_B60_the_trace_sees_a_program_that_does_connect(tmp_path: Path) -> None:
    program = f"import socket; socket.socket().connect_ex(('127.0.0.1', {load.free_port()}))"
    line = ["strace", "-f", "-qq", "-e", "trace=connect", "-o", str(tmp_path / "trace"), sys.executable, "-c", program]
    subprocess.run(line, check=True, timeout=60)
    assert "AF_INET" in (tmp_path / "trace").read_text()


def test_B61_B62_B63_B64_B65_no_part_of_the_server_holds_a_client() -> None:
    server = ROOT / "server" / "muster_server"
    for path in server.rglob("*.py"):
        if path.relative_to(server).parts[0] in ASKED:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not CALLERS & set(names), f"{path}: {names}"
