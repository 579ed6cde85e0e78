"""Processes and listening sockets by psutil: the local machine's answers on Windows and macOS, which have no /proc.

The only module that imports psutil. Where it is not installed importing this one fails, and the machine says so.
"""

from __future__ import annotations

import os
import socket
from typing import Any, Iterator

import psutil

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Denied, Listing, Process, Socket

PROTOCOLS = {socket.SOCK_STREAM: "tcp", socket.SOCK_DGRAM: "udp"}
FAMILIES = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}
NAME_LIMITS = (15, 16)  # characters at which the kernels of Linux and macOS cut a name


def full_name(name: str, path: str | None) -> str:
    """The name of a process: some kernels cut it, the name of its file tells the rest."""
    base = os.path.basename(path) if path else ""
    return base if len(name) in NAME_LIMITS and base.startswith(name) else name


def _process(pid: int) -> Process | None:
    """One process; None when it has ended. Raises ``psutil.AccessDenied`` when not even its name may be known."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            name = process.name()
            try:
                path: str | None = process.exe()
            except psutil.AccessDenied:
                path = None
            # A zombie keeps its name and does nothing. Windows has none, and asking there costs a list of threads.
            if not psutil.WINDOWS and process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                return None
    except psutil.NoSuchProcess:  # a zombie on macOS is one of these too
        return None
    except OSError as error:
        # Windows: the process is protected, or its program lies on a drive that is gone. It is there all the same.
        raise psutil.AccessDenied(pid) from error
    # Windows's own processes without a file have a name in its place (Registry), or nothing.
    path = path if path and os.path.isabs(path) else None
    return Process(pid, full_name(name, path), path)


def processes() -> Listing:
    """The running processes; incomplete when one would not tell even its name."""
    rows = []
    hidden = False
    for pid in _pids():
        try:
            process = _process(pid)
        except psutil.AccessDenied:
            hidden = True
            continue
        rows += [process] if process else []
    return Listing(tuple(rows), not hidden, Problem("denied", "processes_hidden") if hidden else None)


def _pids() -> list[int]:
    try:
        return sorted(psutil.pids())
    except (psutil.Error, OSError) as error:
        raise CannotRead("system_error", f"psutil: {error}") from error


def listening(connections: list[Any]) -> Iterator[tuple[str, str, str, int, int | None]]:
    """(protocol, family, address, port, pid) of listening TCP sockets and of UDP sockets without a peer.

    Several processes may hold the same socket; psutil names each of them where the system does.
    """
    for connection in connections:
        protocol, family = PROTOCOLS.get(connection.type), FAMILIES.get(connection.family)
        if protocol is None or family is None or not connection.laddr:
            continue
        if protocol == "tcp" and connection.status != psutil.CONN_LISTEN:
            continue
        if protocol == "udp" and connection.raddr:
            continue
        where = connection.laddr.ip.partition("%")[0]
        yield protocol, family, where, connection.laddr.port, connection.pid


def sockets() -> Listing:
    """The listening sockets with their owners. macOS shows them to root alone: others get :class:`Denied`."""
    try:
        connections = psutil.net_connections(kind="inet")
    except psutil.AccessDenied as error:
        raise Denied("sockets") from error
    except (psutil.Error, OSError) as error:
        raise CannotRead("system_error", f"psutil: {error}") from error
    owners: dict[int, Process | None] = {}
    rows = set()
    denied = gone = False
    for protocol, family, where, port, pid in listening(connections):
        owner = None
        if not pid:  # 0 is what Windows counts to nobody
            gone, denied = gone or psutil.WINDOWS, denied or not psutil.WINDOWS
        else:
            try:
                if pid not in owners:
                    owners[pid] = _process(pid)
                owner = owners[pid]
                gone = gone or owner is None
            except psutil.AccessDenied:
                denied = True
        rows.add(Socket(protocol, family, where, port, owner.name if owner else None, owner.path if owner else None))
    problem = Problem("error", "owner_gone") if gone else None
    if denied:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        problem = Problem("denied", "owner_shielded" if root else "owner_hidden")
    return Listing(tuple(sorted(rows, key=_order)), problem is None, problem)


def _order(row: Socket) -> tuple[str, ...]:
    return row.protocol, row.family, row.address, format(row.port, "05"), row.process or "", row.path or ""
