"""docs/operations.md in both languages: every command exists, both pages hold the same ones, and the way from an empty
folder to a lost disk and back is walked with the real programs."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

from muster_agent.cli import parser
from muster_agent.words import Words as AgentWords
from muster_server.cli import Failure, program
from muster_server.cli.serve import lock
from muster_server.cli.upgrade import alone
from muster_server.deployment import Deployment
from muster_server.doctor.running import held
from muster_server.words import Words

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("operations.md", "operations.zh-CN.md")
START = re.compile(r"^muster(-agent)? (?=[a-z-])")
REMARK = re.compile(r"\s{4,}[(（].*$")  # what a step says about itself, far to the right
OUTSIDE = re.compile(r"&&|\|\|?|;")


# -- the commands of the pages ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """A command as a page shows it."""

    words: tuple[str, ...]
    whole: bool  # typed as it stands; one that is only mentioned may leave things out

    @property
    def options(self) -> tuple[str, ...]:
        """The names of its options."""
        return tuple(word.split("=")[0] for word in self.words if word.startswith("--"))


def commands(page: str) -> list[Command]:
    """Every command of muster and muster-agent in a page, in its order."""
    found = []
    for line in (ROOT / "docs" / page).read_text("utf-8").splitlines():
        typed = re.match(r" {4,}[$#] (.*)", line)
        if typed:
            texts = OUTSIDE.split(REMARK.sub("", typed[1]))
        else:
            texts = [] if line.startswith("    ") else re.findall("`([^`]+)`", line)
        for text in texts:
            text = re.sub(r"^/opt/muster/bin/", "", text.strip())
            if START.match(text):
                found.append(Command(tuple(shlex.split(text)), bool(typed)))
    return found


def test_both_pages_hold_the_same_commands_in_the_same_order() -> None:
    english, chinese = ([(*verbs(command), *command.options) for command in commands(page)] for page in PAGES)
    assert english == chinese
    assert len(english) > 50


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_pages_exists_with_every_option(page: str) -> None:
    for command in commands(page):
        if command.words[0] == "muster":
            check(command)
        elif command.whole:
            known_to_the_agent(command)


@pytest.mark.parametrize("wrong", ["muster frobnicate", "muster backup --fast x.tar", "muster tls renew --hosts x"])
def test_a_command_that_does_not_exist_is_noticed(wrong: str) -> None:
    with pytest.raises(AssertionError):
        check(Command(tuple(shlex.split(wrong)), True))


def resolved(command: Command) -> tuple[list[str], click.Command, set[str], list[str]]:
    """The verbs of a command of muster, what they lead to, every option on the way, and the words that are left."""
    group: click.Command = program()
    context = click.Context(group, info_name="muster")
    options = set(names(group))
    way: list[str] = []
    left = list(command.words[1:])
    given = []
    while left:
        word = left.pop(0)
        if word.startswith("--"):
            given.append(word)
            takes = next((one for one in group.params if word in one.opts), None)
            if takes is not None and not getattr(takes, "is_flag", False) and left:
                given.append(left.pop(0))
            continue
        next_one = group.get_command(context, word) if isinstance(group, click.Group) else None
        if next_one is None:
            given.append(word)
            continue
        group = next_one
        context = click.Context(group, info_name=word, parent=context)
        options |= set(names(group))
        way.append(word)
    return way, group, options, given


def verbs(command: Command) -> tuple[str, ...]:
    """Program and verbs, e.g. ``muster agents revoke``."""
    if command.words[0] == "muster":
        return ("muster", *resolved(command)[0])
    return command.words[:2]


def names(command: click.Command) -> Iterator[str]:
    """The names of a command's options."""
    for parameter in command.params:
        yield from parameter.opts
    yield from ("--help", "--version")


def check(command: Command) -> None:
    """The verbs exist, and so does each option; a whole command leaves out nothing that must be there."""
    way, last, options, given = resolved(command)
    text = shlex.join(command.words)
    assert way or command.options, text
    assert set(command.options) <= options, text
    if not isinstance(last, click.Group):
        arguments = [word for word in given if not word.startswith("--")]
        assert (
            arguments
            or not any(isinstance(one, click.Argument) and one.required for one in last.params)
            or (not command.whole)
        ), text
    elif command.whole and not last.invoke_without_command:
        assert "--version" in command.options, text
    if command.whole and isinstance(last, click.Command):
        for parameter in last.params:
            if isinstance(parameter, click.Option) and parameter.required:
                assert set(parameter.opts) & set(command.options), f"{text}: {parameter.opts}"


def known_to_the_agent(command: Command) -> None:
    """muster-agent takes the words as they stand."""
    try:
        parser(AgentWords("en")).parse_args(list(command.words[1:]))
    except (SystemExit, argparse.ArgumentError):
        pytest.fail(shlex.join(command.words))


# -- deploy/ ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_backup_of_every_night(tmp_path: Path) -> None:
    for name in ("muster-backup.service", "muster-backup.timer"):
        shutil.copy(ROOT / "deploy" / name, tmp_path)
    line = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "muster-backup.timer")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert [said for said in done.stderr.splitlines() if "muster-backup" in said] == []


def unit_line(key: str, replaced: dict[str, str]) -> list[str]:
    """A command of deploy/muster-backup.service as systemd would start it, with other places."""
    text = (ROOT / "deploy" / "muster-backup.service").read_text("utf-8")
    found = re.search(f"^{key}=(.*)$", text, re.MULTILINE)
    assert found
    line = found[1].replace("$$", "$").replace("%%", "%")
    for old, new in replaced.items():
        assert old in line, old
        line = line.replace(old, new)
    return shlex.split(line)


def health(data: Path, port: int) -> int:
    """The exit code of the Containerfile's health check, asked of this machine's server."""
    text = (ROOT / "deploy" / "Containerfile").read_text("utf-8")
    found = re.search(r'^HEALTHCHECK .*CMD \["[^"]+", "-c", "([^"]+)"\]$', text, re.MULTILINE)
    assert found
    code = found[1]
    for old, new in {"/var/lib/muster/data": str(data), "127.0.0.1:8470": f"127.0.0.1:{port}"}.items():
        assert old in code, old
        code = code.replace(old, new)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30).returncode


# -- the way, walked -------------------------------------------------------------------------------------------------


@dataclass
class Walk:
    """An office in a folder of its own, with the real programs."""

    folder: Path
    port: int = 0
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        self.env = {**os.environ, "MUSTER_DATA": str(self.data), "MUSTER_LANG": "en", "PYTHONUNBUFFERED": "1"}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    @property
    def address(self) -> str:
        """Where PCs reach the server."""
        return f"https://127.0.0.1:{self.port}"

    def run(self, module: str, *words: str | Path, code: int = 0) -> str:
        """A command to its end; gives all it said."""
        line = [sys.executable, "-m", module, *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=90, env=self.env, cwd=self.folder)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def muster(self, *words: str | Path, code: int = 0) -> str:
        """muster."""
        return self.run("muster_server", *words, code=code)

    def agent(self, *words: str | Path, code: int = 0) -> str:
        """muster-agent, of one PC."""
        return self.run("muster_agent", *words, "--home", self.folder / "pc", code=code)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The server runs."""
        line = [sys.executable, "-m", "muster_server", "serve", "--tls", "--port", str(self.port)]
        running = subprocess.Popen(
            line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env, cwd=self.folder
        )
        try:
            self.wait(running)
            yield
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(60)

    def wait(self, running: subprocess.Popen[bytes]) -> None:
        """Until it answers."""
        end = time.monotonic() + 40
        while True:
            context = ssl.create_default_context(cafile=str(self.data / "tls" / "ca.pem"))
            try:
                with urllib.request.urlopen(self.address + "/readyz", context=context, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                assert running.poll() is None, "the server ended"
                assert time.monotonic() < end, "the server does not answer"
                time.sleep(0.1)


def test_from_an_empty_folder_to_a_lost_disk_and_back(tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    credential = walk.muster("init", "--name", "City Bureau", "--host", "muster.office.lan")
    assert "mra_" in credential
    walk.muster("token", "--unit", "Accounts", "--output", tmp_path / "token")
    with walk.serving():
        walk.agent("enrol", walk.address, "--token-file", tmp_path / "token", "--ca", walk.data / "tls" / "ca.pem")
        walk.agent("run")
        assert health(walk.data, walk.port) == 0
        (tmp_path / "backups").mkdir()
        made = unit_line(
            "ExecStart",
            {
                "/opt/muster/bin/muster": f"{sys.executable} -m muster_server",
                "/var/lib/muster/data": str(walk.data),
                "/var/backups/muster/": str(tmp_path / "backups") + "/",
            },
        )
        assert subprocess.run(made, capture_output=True, timeout=60, env=walk.env).returncode == 0
        swept = unit_line("ExecStartPost", {"/var/backups/muster": str(tmp_path / "backups")})
        assert subprocess.run(swept, capture_output=True, timeout=60).returncode == 0
        walk.agent("run")  # what no backup holds
        walk.muster("doctor")  # 0: nothing to warn of
    (backup,) = (tmp_path / "backups").iterdir()
    assert re.fullmatch(r"muster-\d{8}-\d{6}\.tar", backup.name)
    assert health(walk.data, walk.port) != 0
    shutil.rmtree(walk.data)
    walk.agent("run", code=5)  # the authority's file lay in the folder that is lost
    assert "restored to" in walk.muster("restore", backup, "--to", walk.data, "--verify")
    with walk.serving():
        assert "delivered 2 report(s)" in walk.agent("run")
        walk.muster("doctor", code=3)  # it wants a backup of the new disk
    said = walk.muster("evidence", "verify")
    assert "1 gaps, 1 reports" in said
    assert "Everything is as it was signed." in said
    log = walk.muster("audit", "verify")
    head = re.search("head of the audit log (.*)", said)
    assert head and head[1].split(":")[1] in log
    assert "still there" in walk.muster("audit", "verify", "--head", head[1])


# -- faults that the walk found --------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["server-key.pem", "muster.yaml"])
def test_a_server_that_could_not_start_leaves_no_trace_of_a_loss(tmp_path: Path, missing: str) -> None:
    walk = Walk(tmp_path)
    walk.muster("init", "--name", "City Bureau", "--host", "muster.office.lan")
    kept = (walk.data / missing).read_text()
    (walk.data / missing).write_text("target: much\n")
    walk.muster("serve", "--port", str(walk.port), code=5)
    (walk.data / missing).write_text(kept)
    with walk.serving():
        assert "the server is ready" in walk.muster("doctor", code=3)


def test_servers_on_one_postgresql_are_seen_by_the_doctor_and_stop_an_upgrade(tmp_path: Path) -> None:
    words = Words("en")
    deployment = Deployment(tmp_path)
    name = "name: {zh: x, en: x}\n"
    (tmp_path / "muster.yaml").write_text(name + "database: postgresql://muster@127.0.0.1/muster\n")
    assert not held(tmp_path / "serve.lock")
    with lock(deployment, words), lock(deployment, words):
        assert held(tmp_path / "serve.lock")
        with pytest.raises(Failure, match="running"), alone(deployment, words):
            pass
    assert not held(tmp_path / "serve.lock")
    (tmp_path / "muster.yaml").write_text(name)
    with lock(deployment, words), pytest.raises(Failure, match="already runs"):
        lock(deployment, words)
