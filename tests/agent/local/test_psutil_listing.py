"""What psutil lists is what /proc shows, on the one system that has both."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from muster_agent.local import LocalMachine, psutil_listing
from muster_agent.machine import CannotRead, Denied, Process
from muster_agent.system import procfs

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc to compare with")
TRIES = 10  # somebody else may start a program or open a port between two looks


@pytest.fixture
def opened() -> Iterator[set[tuple[str, str, str, int]]]:
    """Sockets of every kind, and some that do not listen."""
    kinds = [
        (socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0"),
        (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
        (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
        (socket.AF_INET6, socket.SOCK_STREAM, "::1"),
        (socket.AF_INET6, socket.SOCK_DGRAM, "::1"),
    ]
    with ExitStack() as stack:
        found = set()
        for family, kind, address in kinds:
            own = stack.enter_context(socket.socket(family, kind))
            own.bind((address, 0))
            if kind == socket.SOCK_STREAM:
                own.listen()
            names = ("tcp" if kind == socket.SOCK_STREAM else "udp", "ipv4" if family == socket.AF_INET else "ipv6")
            found.add((*names, address, own.getsockname()[1]))
        [(_, _, _, port)] = [entry for entry in found if entry[:3] == ("tcp", "ipv4", "127.0.0.1")]
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert client.getsockname()[1] not in {entry[3] for entry in found}
        connected = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        connected.connect(("127.0.0.1", 9))
        yield found


def same(one: Callable[[], Any], other: Callable[[], Any]) -> bool:
    """Whether two looks see the same, within a few tries."""
    return any(one() == other() for _ in range(TRIES))


# -- sockets ---------------------------------------------------------------------------------------------------------


def by_psutil() -> set[tuple[str, str, str, int]]:
    """What psutil lists."""
    return {(row.protocol, row.family, row.address, row.port) for row in psutil_listing.sockets().rows}


def by_proc() -> set[tuple[str, str, str, int]]:
    """What /proc shows."""
    rows = procfs.sockets("/proc", LocalMachine().read).rows
    return {(row.protocol, row.family, row.address, row.port) for row in rows}


@linux
def test_listening_sockets_are_those_of_proc(opened: set[tuple[str, str, str, int]]) -> None:
    assert opened <= by_psutil()
    assert same(by_psutil, by_proc), (by_psutil() - by_proc(), by_proc() - by_psutil())


@linux
def test_our_own_sockets_are_named_after_our_program(opened: set[tuple[str, str, str, int]]) -> None:
    rows = psutil_listing.sockets().rows
    assert list(rows) == sorted(rows, key=psutil_listing._order)
    for entry in opened:
        [row] = [row for row in rows if (row.protocol, row.family, row.address, row.port) == entry]
        assert row.path == os.path.realpath(sys.executable)
        [own] = [process for process in procfs.processes().rows if process.pid == os.getpid()]
        assert row.process == own.name


def test_macos_shows_sockets_to_root_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kind: str) -> Any:
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(psutil, "net_connections", refuse)
    with pytest.raises(Denied):
        psutil_listing.sockets()


def connection(pid: int | None, port: int, status: str = "LISTEN") -> Any:
    """A connection as psutil tells it."""
    where = SimpleNamespace(ip="127.0.0.1", port=port)
    kind = {"family": socket.AF_INET, "type": socket.SOCK_STREAM}
    return SimpleNamespace(laddr=where, raddr=(), status=status, pid=pid, **kind)


@pytest.mark.parametrize(
    ("pid", "windows", "code"), [(None, False, "owner_"), (0, True, "owner_gone"), (2**31 - 9, False, "owner_gone")]
)
def test_a_socket_without_an_owner_is_there_and_its_owner_unknown(
    monkeypatch: pytest.MonkeyPatch, pid: int | None, windows: bool, code: str
) -> None:
    monkeypatch.setattr(psutil, "net_connections", lambda kind: [connection(pid, 7), connection(pid, 8, "ESTABLISHED")])
    monkeypatch.setattr(psutil, "WINDOWS", windows)
    listing = psutil_listing.sockets()
    assert [(row.port, row.process, row.path) for row in listing.rows] == [(7, None, None)]
    assert not listing.complete
    assert listing.problem is not None
    assert listing.problem.code.startswith(code)


# -- processes -------------------------------------------------------------------------------------------------------


def lasting(rows: tuple[Process, ...]) -> set[tuple[int, str, str | None]]:
    """Threads of the kernel aside: psutil and /proc agree on their names, and they come and go."""
    return {(row.pid, row.name, row.path) for row in rows if row.path is not None}


@linux
def test_processes_are_those_of_proc() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as one:
        try:
            assert same(lambda: lasting(psutil_listing.processes().rows), lambda: lasting(procfs.processes().rows)), (
                lasting(psutil_listing.processes().rows) ^ lasting(procfs.processes().rows)
            )
            assert {row.pid for row in psutil_listing.processes().rows} >= {1, os.getpid(), one.pid}
        finally:
            one.kill()


@linux
def test_an_ended_process_that_only_waits_to_be_fetched_is_none() -> None:
    with subprocess.Popen(["/bin/true"]) as one:
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(one.pid).status() == psutil.STATUS_ZOMBIE
        assert one.pid not in {row.pid for row in psutil_listing.processes().rows}


class Shy:
    """A process that tells what it is told to, or refuses."""

    def __init__(self, name: Any, path: Any) -> None:
        self._name, self._path = name, path

    def oneshot(self) -> ExitStack:
        return ExitStack()

    def status(self) -> str:
        return "running"

    def name(self) -> str:
        if isinstance(self._name, Exception):
            raise self._name
        return str(self._name)

    def exe(self) -> str:
        if isinstance(self._path, Exception):
            raise self._path
        return str(self._path)


@pytest.mark.parametrize(
    ("name", "path", "rows", "complete"),
    [
        ("clamd", "/usr/sbin/clamd", [("clamd", "/usr/sbin/clamd")], True),
        ("Registry", "Registry", [("Registry", None)], True),
        ("System", "", [("System", None)], True),
        ("clamd", psutil.AccessDenied(7), [("clamd", None)], True),
        ("com.apple.geod.", "/x/com.apple.geod.xpc", [("com.apple.geod.xpc", "/x/com.apple.geod.xpc")], True),
        (psutil.AccessDenied(7), "", [], False),
        (OSError(22, "Invalid parameter"), "", [], False),
        (psutil.NoSuchProcess(7), "", [], True),
        (psutil.ZombieProcess(7), "", [], True),
    ],
)
def test_a_process_that_tells_little_is_there_and_one_that_tells_nothing_is_missed(
    monkeypatch: pytest.MonkeyPatch, name: Any, path: Any, rows: list[tuple[str, str | None]], complete: bool
) -> None:
    monkeypatch.setattr(psutil, "pids", lambda: [7])
    monkeypatch.setattr(psutil, "Process", lambda pid: Shy(name, path))
    listing = psutil_listing.processes()
    assert [(row.name, row.path) for row in listing.rows] == rows
    assert listing.complete is complete
    assert (listing.problem is None) is complete


# -- the machine -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["windows", "darwin"])
def test_without_psutil_the_machine_says_so(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    machine = LocalMachine()
    machine.platform = platform
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.delitem(sys.modules, "muster_agent.local.psutil_listing")
    for question, name in ((machine.processes, "processes"), (machine.sockets, "sockets")):
        with pytest.raises(CannotRead) as raised:
            question()
        assert (raised.value.code, raised.value.status, raised.value.detail) == ("no_psutil", "unsupported", name)


@linux
@pytest.mark.parametrize("platform", ["windows", "darwin"])
def test_with_psutil_the_machine_asks_it(platform: str) -> None:
    machine = LocalMachine()
    machine.platform = platform
    assert os.getpid() in {row.pid for row in machine.processes().rows}
    assert machine.sockets().rows == psutil_listing.sockets().rows
