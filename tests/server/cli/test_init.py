"""muster init: what is made, what is said of it, and that it is made whole, once, or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muster_server.tls import folder
from muster_server.tls.condition import condition

ENVIRONMENT = {**os.environ, "MUSTER_LANG": "en", "COLUMNS": "100"}
ENVIRONMENT.pop("MUSTER_DATA", None)
MADE = {"muster.db", "muster.yaml", "server-key.pem", "tls", "tls.lock", "policies", "write.lock"}


def muster(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command muster."""
    line = [sys.executable, "-m", "muster_server", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, env={**ENVIRONMENT, **environment})


def clear(done: subprocess.CompletedProcess[str], code: int, *said: str) -> None:
    """The command failed in a clear line, with that exit code."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for word in said:
        assert word in done.stderr
    assert done.stdout == ""


def refused(done: Any, code: int, *said: str) -> None:
    """The same, of a command that ran in this process."""
    clear(subprocess.CompletedProcess([], done.code, done.out, done.err), code, *said)


def test_everything_is_made_and_said_with_its_file(data: Path) -> None:
    done = muster("--data", data, "init", "--name", "某局", "--host", "Muster.Office.LAN", "--host", "10.0.0.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in data.iterdir()} <= MADE
    for name in (
        "muster.yaml",
        "server-key.pem",
        "tls/ca.pem",
        "tls/ca-key.pem",
        "tls/server.pem",
        "tls/server-key.pem",
    ):
        assert (data / name).is_file()
        assert f"  {data / name}\n" in done.stdout
    found = condition(data, now())
    assert found.sound and found.server is not None and found.authority is not None
    assert set(found.server.names) == {"muster.office.lan", "10.0.0.5", "localhost", "127.0.0.1", "::1"}
    assert f"SHA-256 {found.authority.sha256}\n" in done.stdout
    assert "agent package --server https://muster.office.lan:8470" in done.stdout
    assert "PRIVATE" not in done.stdout
    for path in (data, *data.rglob("*.pem"), *data.rglob("tls")):
        assert path.stat().st_mode & 0o077 == 0, path


def now() -> Any:
    """The time."""
    from datetime import UTC, datetime

    return datetime.now(UTC)


def test_unless_told_it_is_for_this_machine(data: Path) -> None:
    from muster_server.tls import hosts

    done = muster("--data", data, "init")
    found = condition(data, now())
    assert found.server is not None
    assert set(found.server.names) == {*hosts.of_this_machine(), *hosts.LOOPBACK}
    assert done.returncode == 0


def test_what_is_typed_wrong_makes_nothing(
    data: Path, tmp_path: Path, bad_tls: Any, in_process: Callable[..., Any]
) -> None:
    refused(in_process("--data", data, "init", "--host", "a:8470"), 2, "a:8470", "without a port")
    refused(in_process("--data", data, "init", "--tls-cert", tmp_path / "x"), 2, "--tls-ca")
    refused(in_process("--data", data, "init", "--name", " "), 2, "name")
    refused(in_process("init"), 2, "--data")
    expired = bad_tls.issued(tmp_path, "expired", hosts=("a.lan",), days=(-9, -1))
    own = ("--tls-cert", expired.pem, "--tls-key", expired.key_pem, "--tls-ca", expired.pem)
    refused(in_process("--data", data, "init", *own), 2, "ended on", str(expired.pem))
    ca = bad_tls.issued(tmp_path, "ca", hosts=(), purpose=None, ca=True)
    other = bad_tls.issued(tmp_path, "other-ca", hosts=(), purpose=None, ca=True)
    good = bad_tls.issued(tmp_path, "good", ca, hosts=("a.lan",))
    own = ("--tls-cert", good.pem, "--tls-key", good.key_pem, "--tls-ca")
    refused(in_process("--data", data, "init", *own, other.pem), 2, "checked against", "not trusted")
    refused(in_process("--data", data, "init", *own, ca.pem, "--host", "b.lan"), 2, "b.lan", "a.lan")
    refused(in_process("--data", data, "init", *own, tmp_path / "none"), 2, "there is no file")
    refused(in_process("--data", data, "init", *own, tmp_path), 2, "--tls-ca")
    assert not data.exists()


def test_the_organisations_own_is_taken(data: Path, tmp_path: Path, bad_tls: Any) -> None:
    ca = bad_tls.issued(tmp_path, "ca", hosts=(), purpose=None, ca=True, days=(-1, 999))
    good = bad_tls.issued(tmp_path, "good", ca, hosts=("a.lan", "*.b.lan"), days=(-1, 99))
    own = ("--tls-cert", good.pem, "--tls-key", good.key_pem, "--tls-ca", ca.pem, "--host", "c.b.lan")
    done = muster("--data", data, "init", *own)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the CA's key" not in done.stdout, "it is not here"
    assert not (data / "tls" / "ca-key.pem").exists()
    assert (data / "tls" / "ca.pem").read_bytes() == ca.pem.read_bytes()
    assert "https://a.lan:8470" in done.stdout


def test_what_is_there_is_left_alone(data: Path) -> None:
    assert muster("--data", data, "init", "--host", "a.lan").returncode == 0
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    clear(muster("--data", data, "init", "--host", "b.lan"), 5, "already holds a deployment")
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_a_place_that_cannot_be_is_a_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    clear(muster("--data", tmp_path / "file" / "data", "init"), 5, "cannot make a deployment")


class PowerCut(BaseException):
    """The machine is gone."""


class Cut:
    """Power goes when the n-th file would be opened for writing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.at = at
        self.opened = 0
        self.plain, self.path = os.open, Path.open
        monkeypatch.setattr(os, "open", self.os_open)
        monkeypatch.setattr(Path, "open", lambda path, mode="r", *how, **named: self.path_open(path, mode, how, named))

    def writes(self) -> None:
        """One more file is about to be written to."""
        self.opened += 1
        if self.opened >= self.at:
            raise PowerCut

    def os_open(self, path: Any, flags: int, *how: Any, **named: Any) -> int:
        """In the place of os.open."""
        if flags & (os.O_WRONLY | os.O_RDWR):
            self.writes()
        return self.plain(path, flags, *how, **named)

    def path_open(self, path: Path, mode: str, how: Any, named: Any) -> Any:
        """In the place of Path.open."""
        if not mode.startswith("r"):
            self.writes()
        return self.path(path, mode, *how, **named)


def test_cut_off_at_any_file_it_is_made_by_running_it_again(tmp_path: Path, in_process: Callable[..., Any]) -> None:
    for at in range(1, 60):
        data = tmp_path / str(at)
        with pytest.MonkeyPatch.context() as monkeypatch:
            cut = Cut(monkeypatch, at)
            with contextlib.suppress(PowerCut):
                in_process("--data", data, "init", "--host", "first.lan")
        if cut.opened < at:
            break
        ca = (data / "tls" / "ca.pem").read_bytes() if folder.files(data).there else None
        done = in_process("--data", data, "init", "--host", "second.lan")
        if done.code == 5:
            assert "already holds a deployment" in done.err, done.err
            continue
        assert done.code == 0, (at, done.err)
        found = condition(data, now())
        assert found.sound and found.server is not None and "second.lan" in found.server.names
        assert ca in (None, (data / "tls" / "ca.pem").read_bytes()), "an authority that was made is kept"
        assert {path.name for path in data.iterdir()} <= MADE
    assert 5 < at < 59


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_is_said_in_both_languages(lang: str, data: Path) -> None:
    done = muster("--lang", lang, "--data", data, "init", "--host", "localhost")
    assert {"zh": "下一步", "en": "Next"}[lang] in done.stdout
    assert {"zh": "注意", "en": "Mind"}[lang] in done.stdout, "no PC reaches it by loopback"
    assert lang == "zh" or not re.search("[\u4e00-\u9fff]", done.stdout)
