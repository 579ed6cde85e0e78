"""The one-file agent: it carries its settings, enrols by itself and keeps who it is outside of the file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from muster_server.packaging import build
from muster_server.packaging.contents import Order, Provided


class OneFile:
    """The agent in one file, and a home of its own."""

    def __init__(self, order: Order, folder: Path) -> None:
        made = build("pyz", order)
        self.path = folder / made.name
        self.path.write_bytes(made.data)
        self.path.chmod(0o700)
        self.home = folder / "home"

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        env = {**os.environ, "MUSTER_LANG": "en", "MUSTER_AGENT_HOME": str(self.home), "PYTHONWARNINGS": "ignore"}
        line = [sys.executable, str(self.path), *words]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, env=env)

    @property
    def agent(self) -> str:
        """Who it is."""
        return str(json.loads((self.home / "enrolment.json").read_text())["agent"])


def test_it_enrols_and_reports_with_what_it_carries(office: Any, tmp_path: Path) -> None:
    agent = OneFile(office.order(), tmp_path)
    first = agent("run")
    assert first.returncode == 0, first.stderr
    assert office.reports()[-1] == (agent.agent, 1)
    second = agent("run")
    assert (second.returncode, office.reports()[-1]) == (0, (agent.agent, 2)), second.stderr
    assert "already enrolled" in agent("enrol").stderr
    assert "delivered" in agent("status").stdout


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for loopback, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    line = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"]
    line += ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(line, check=True, capture_output=True)
    return cert, key


@contextmanager
def serving_tls(data: Path, cert: Path, key: Path) -> Iterator[str]:
    """A running server that speaks TLS, and its address."""
    words = ["--data", str(data), "serve", "--port", "0", "--tls-cert", str(cert), "--tls-key", str(key)]
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "MUSTER_LANG": "en"}
    line = [sys.executable, "-m", "muster_server", *words]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"https://\S+", process.stdout.readline())
            assert found
            yield found.group()
        finally:
            process.kill()


@pytest.mark.parametrize("trusted", [True, False])
def test_it_trusts_the_authority_it_carries_and_no_other(trusted: bool, tmp_path: Path) -> None:
    data = tmp_path / "data"
    muster = [sys.executable, "-m", "muster_server", "--data", str(data)]
    subprocess.run([*muster, "init"], check=True, capture_output=True)
    issued = subprocess.run([*muster, "token", "--unit", "x"], check=True, capture_output=True, text=True)
    cert, key = certificate(tmp_path, "server")
    other, _ = certificate(tmp_path, "other")
    with serving_tls(data, cert, key) as address:
        provided = Provided(address, "x", issued.stdout.strip(), (cert if trusted else other).read_bytes())
        agent = OneFile(Order(provided), tmp_path)
        done = agent("run")
        if trusted:
            assert done.returncode == 0, done.stderr
            assert (agent.home / "ca.pem").read_bytes() == cert.read_bytes()
            return
        assert (done.returncode, "certificate is not trusted" in done.stderr) == (3, True)
        assert not (agent.home / "enrolment.json").exists()
        # A package with the right authority mends it.
        mended = OneFile(Order(replace(provided, ca=cert.read_bytes())), tmp_path)
        assert mended("run").returncode == 0


def test_it_is_a_program_of_its_own(order: Any, tmp_path: Path) -> None:
    made = build("pyz", order)
    path = tmp_path / made.name
    path.write_bytes(made.data)
    path.chmod(0o755)
    done = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("muster-agent "), done.stderr
    wrong = subprocess.run([str(path), "nonsense"], capture_output=True, text=True, timeout=60)
    assert wrong.returncode == 2, "its exit code reaches whoever started it"
