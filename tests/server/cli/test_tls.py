"""muster tls: what it shows, renews and takes; its exit codes; and a PC from `muster init` to its first report."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from muster_agent.text import cells

END = "-----END CERTIFICATE-----\n"
ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1", "MUSTER_LANG": "en", "PYTHONWARNINGS": "ignore"}
ENVIRONMENT.pop("MUSTER_DATA", None)


@pytest.fixture
def muster(data: Path, in_process: Callable[..., Any]) -> Callable[..., Any]:
    """The command muster on a deployment that is made."""
    assert in_process("--data", data, "init", "--host", "muster.office.lan").code == 0

    def run(*words: str | Path) -> Any:
        return in_process("--data", data, *words)

    return run


def clear(done: Any, code: int, *said: str) -> None:
    """The command failed in a clear line, with that exit code."""
    assert done.code == code, done.err
    assert "Traceback" not in done.err + done.out
    for word in said:
        assert word in done.err
    assert done.out == ""


def fingerprint(path: Path) -> str:
    """The fingerprint of a certificate's file, by openssl."""
    line = ["openssl", "x509", "-in", str(path), "-noout", "-fingerprint", "-sha256"]
    return subprocess.run(line, capture_output=True, text=True, check=True, timeout=60).stdout.strip().partition("=")[2]


def audited(data: Path) -> list[tuple[str, str]]:
    """What the audit log holds: act and subject."""
    connection = sqlite3.connect(data / "muster.db")
    try:
        entries = [json.loads(entry) for (entry,) in connection.execute("SELECT entry FROM audit ORDER BY position")]
        return [(entry["act"], entry["subject"]) for entry in entries]
    finally:
        connection.close()


def test_show(muster: Callable[..., Any], data: Path) -> None:
    assert ("tls.record", fingerprint(data / "tls" / "server.pem")) in audited(data), "made by init"
    done = muster("tls", "show")
    assert (done.code, done.err) == (0, "")
    assert "muster.office.lan, localhost, 127.0.0.1, ::1" in done.out
    assert re.search(r"until .*\(395 days left\)", done.out) and re.search(r"until .*\(365\d days left\)", done.out)
    assert fingerprint(data / "tls" / "server.pem") in done.out and fingerprint(data / "tls" / "ca.pem") in done.out
    assert "it can renew" in done.out and "PCs can trust it" in done.out


def test_show_what_is_wrong(muster: Callable[..., Any], data: Path, bad_tls: Any, tmp_path: Path) -> None:
    ca = bad_tls.issued(tmp_path, "ca", hosts=(), purpose=None, ca=True, days=(-1, 999))
    soon = bad_tls.issued(tmp_path, "soon", ca, hosts=("a.lan",))
    (data / "tls" / "ca-key.pem").unlink()
    for name, path in (("ca.pem", ca.pem), ("server.pem", soon.pem), ("server-key.pem", soon.key_pem)):
        (data / "tls" / name).write_bytes(path.read_bytes())
    done = muster("tls", "show")
    assert (done.code, "ends in 8 days" in done.err) == (0, True), "there is time yet"
    assert "the organisation's own CA" in done.out
    (data / "tls" / "server-key.pem").chmod(0o644)
    done = muster("tls", "show")
    assert (done.code, "others can read the private key" in done.err, "chmod 600" in done.err) == (5, True, True)
    (data / "tls" / "server.pem").unlink()
    done = muster("tls", "show")
    assert (done.code, "there is no file" in done.err) == (5, True)
    (data / "tls").rename(data / "gone")
    done = muster("tls", "show")
    assert (done.code, "there is no server certificate" in done.err, "tls make" in done.err) == (5, True, True)


def test_renew(muster: Callable[..., Any], data: Path) -> None:
    ca = (data / "tls" / "ca.pem").read_bytes()
    before = fingerprint(data / "tls" / "server.pem")
    done = muster("tls", "renew", "--host", "New.lan", "--host", "10.0.0.7", "--drop", "muster.office.lan")
    assert (done.code, done.err) == (0, "")
    assert "for: localhost, new.lan, 127.0.0.1, ::1, 10.0.0.7 (395 days left)" in done.out
    assert "takes it up by itself" in done.out
    assert "no longer for muster.office.lan" in done.out
    assert (data / "tls" / "ca.pem").read_bytes() == ca
    assert fingerprint(data / "tls" / "server.pem") in done.out
    assert before not in done.out
    assert audited(data)[-1] == ("tls.record", fingerprint(data / "tls" / "server.pem"))
    logged = len(audited(data))
    clear(muster("tls", "renew", "--host", "a b"), 2, "a b")
    clear(muster("tls", "renew", "--drop", "muster.office.lan"), 2, "it is for: localhost")
    (data / "tls" / "ca-key.pem").unlink()
    clear(muster("tls", "renew"), 2, "cannot issue", "muster tls use")
    assert len(audited(data)) == logged, "what was refused was not done"


def test_an_act_that_could_not_be_logged_is_not_done(muster: Callable[..., Any], data: Path) -> None:
    before = fingerprint(data / "tls" / "server.pem")
    (data / "muster.db").write_bytes(b"not a database" * 1000)
    clear(muster("tls", "renew"), 5, "database")
    assert fingerprint(data / "tls" / "server.pem") == before


def test_use(muster: Callable[..., Any], data: Path, bad_tls: Any, tmp_path: Path) -> None:
    ca = bad_tls.issued(tmp_path, "ca", hosts=(), purpose=None, ca=True, days=(-1, 999))
    pair = bad_tls.issued(tmp_path, "own", ca, hosts=("own.lan",), days=(-1, 99))
    own = ("--tls-cert", pair.pem, "--tls-key", pair.key_pem, "--tls-ca", ca.pem)
    clear(muster("tls", "use"), 2, "go together")
    clear(muster("tls", "use", *own[:4]), 2, "go together")
    clear(muster("tls", "use", *own), 2, "would lose the server", "--other-ca")
    clear(muster("tls", "use", *own, "--other-ca", "--host", "b.lan"), 2, "b.lan", "own.lan")
    done = muster("tls", "use", *own, "--other-ca")
    assert (done.code, done.err) == (0, "")
    assert str(data / "tls.former-1") in done.out
    assert "do not trust the new CA" in done.out
    assert "no longer for muster.office.lan" in done.out
    assert muster("tls", "show").code == 0


def test_make_where_an_older_version_made_none(muster: Callable[..., Any], data: Path, in_process: Any) -> None:
    clear(muster("tls", "make"), 2, "holds a certificate already")
    (data / "tls").rename(data / "gone")
    clear(muster("tls", "renew"), 2, "muster tls make")
    done = muster("tls", "make", "--host", "a.lan")
    assert (done.code, done.err) == (0, "")
    assert str(data / "tls" / "ca-key.pem") in done.out
    assert muster("tls", "show").code == 0
    clear(in_process("--data", data.parent / "none", "tls", "show"), 5, "init")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", ["init", "tls", "tls show", "tls renew", "tls use", "tls make", "agent package"])
def test_help_has_examples_and_fits(command: str, lang: str, in_process: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = in_process("--lang", lang, *command.split(), "--help")
    assert done.code == 0, done.err
    assert {"zh": "示例", "en": "xample"}[lang] in done.out
    assert [line for line in done.out.splitlines() if cells(line.rstrip()) > 80] == []


# -- from the first command to the first report --------------------------------------------------------------------


@contextmanager
def serving(data: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running server with the deployment's certificate, and its address."""
    line = [sys.executable, "-m", "muster_server", "--data", str(data), "serve", "--port", "0", "--tls"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            found = re.search(r"https://\S+", said)
            assert found, said + process.communicate(timeout=10)[1]
            yield found.group(), process
        finally:
            process.kill()


def test_a_packaged_pc_reports_over_tls_and_goes_on_when_the_certificate_is_renewed(
    muster: Callable[..., Any], data: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    assert muster("token", "--unit", "财务科", "--output", tmp_path / "t.txt").code == 0

    def agent(path: Path) -> subprocess.CompletedProcess[str]:
        env = {**ENVIRONMENT, "MUSTER_AGENT_HOME": str(home)}
        return subprocess.run([sys.executable, str(path), "run"], capture_output=True, text=True, timeout=60, env=env)

    with serving(data) as (address, _):
        words = ("agent", "package", "--unit", "财务科", "--token-file", tmp_path / "t.txt", "--for", "pyz")
        made = muster(*words, "--server", address, "--out", tmp_path)
        assert made.code == 0, made.err
        [package] = tmp_path.glob("*.pyz")
        first = agent(package)
        assert first.returncode == 0, first.stderr
        assert (home / "ca.pem").read_bytes() == (data / "tls" / "ca.pem").read_bytes()
        host, _, port = address.rpartition("//")[2].rpartition(":")
        line = ["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", str(data / "tls" / "ca.pem")]
        line += ["-verify_return_error", "-verify_ip", host, "-no_ign_eof", "-brief"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
        assert "Verification: OK" in done.stdout + done.stderr
        before = fingerprint(data / "tls" / "server.pem")
        assert muster("tls", "renew").code == 0
        assert fingerprint(data / "tls" / "server.pem") != before
        presented(host, int(port), data / "tls" / "server.pem")
        second = agent(package)
        assert second.returncode == 0, second.stderr
    assert json.loads((home / "state.json").read_text())["seq"] == 2
    report = muster("report", "--json")
    assert "财务科" in report.out


def presented(host: str, port: int, path: Path) -> None:
    """Wait until the server presents the first certificate of a file."""
    wanted = ssl.PEM_cert_to_DER_cert(path.read_text().partition("-----END CERTIFICATE-----\n")[0] + END)
    for _ in range(100):
        if ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, port))) == wanted:
            return
        time.sleep(0.2)
    raise AssertionError("the server still presents the former certificate")
