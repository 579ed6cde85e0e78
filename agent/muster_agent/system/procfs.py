"""Processes and listening sockets out of Linux's /proc (proc(5)).

The parsers are pure functions of the text; :func:`processes` and :func:`sockets` read this PC's /proc and are the
local machine's answers.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from typing import Callable

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Listing, NotFound, Process, Socket

# net/tcp_states.h: a listening TCP socket is in state 10, a UDP socket that is not connected to one peer in state 7.
# That is what `ss -lntu` shows.
TABLES = {"tcp": ("tcp", "0A"), "tcp6": ("tcp", "0A"), "udp": ("udp", "07"), "udp6": ("udp", "07")}
ENDED = ("Z", "X")  # proc(5): a zombie keeps its name and does nothing
# The kernel fills a page at least (fs/seq_file.c), with lines of up to 200 bytes. A read that left more room was the
# last one; to ask once more would send it through all connections again, which takes longer than all else here.
ROOM = 4096 - 512
SOCKET_LINK = re.compile(r"^socket:\[([0-9]+)\]$")


def address(text: str, byte_order: str = sys.byteorder) -> str:
    """The address of a /proc/net line: 32-bit words in the byte order of the machine that printed them.

    inet_ntop of the C library writes it: ipaddress spells ::ffff:127.0.0.1 differently from one Python to the next.
    """
    packed = bytes.fromhex(text)
    if byte_order == "little":
        packed = b"".join(packed[i : i + 4][::-1] for i in range(0, len(packed), 4))
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def listening(table: str, text: str, byte_order: str = sys.byteorder) -> list[tuple[str, int, int]]:
    """(address, port, inode) of the listening sockets in the text of /proc/net/``table``.

    Raises :class:`CannotRead` for a line it does not understand, and for a text without the heading every such table
    has: a socket must not vanish in silence.
    """
    state = TABLES[table][1]
    found = []
    heading, *lines = text.splitlines() or [""]
    if "local_address" not in heading:
        raise CannotRead("not_understood", f"/proc/net/{table}: {heading.strip()[:80]}")
    for line in lines:
        fields = line.split()
        try:
            if fields[3] != state:
                continue
            local, _, port = fields[1].partition(":")
            found.append((address(local, byte_order), int(port, 16), int(fields[9])))
        except (IndexError, ValueError) as error:
            raise CannotRead("not_understood", f"/proc/net/{table}: {line.strip()[:80]}") from error
    return found


def program_path(link: str) -> str:
    """The file behind /proc/PID/exe. A program replaced by an update still runs, from a file marked as deleted."""
    mark = " (deleted)"
    return link[: -len(mark)] if link.endswith(mark) else link


def program_name(comm: str, path: str | None) -> str:
    """The name of a process: the kernel cuts it at 15 characters, the file's name tells the rest."""
    base = os.path.basename(path) if path else ""
    return base if len(comm) == 15 and base.startswith(comm) else comm


def status(text: str) -> tuple[str, str]:
    """(name, state) in the text of /proc/PID/stat. The name stands in brackets and may hold some itself."""
    name, _, rest = text.partition("(")[2].rpartition(")")
    return name, rest.strip()[:1]


def _process(folder: str, pid: int) -> Process | None:
    """One process, or None when it has ended and only waits to be fetched. Raises ``OSError`` when it is hidden."""
    with open(f"{folder}/{pid}/stat", "rb") as file:
        comm, state = status(file.read(4096).decode("utf-8", "replace"))
    if state in ENDED:
        return None
    try:
        path: str | None = program_path(os.readlink(f"{folder}/{pid}/exe"))
    except OSError:  # another user's process, or a thread of the kernel
        path = None
    return Process(pid, program_name(comm, path), path)


def _pids(folder: str) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(folder) if name.isdigit())
    except OSError as error:
        raise CannotRead("system_error", f"{folder}: {error.strerror}") from error


def processes(folder: str = "/proc") -> Listing:
    """The running processes; incomplete when /proc hides those of other users (mount option hidepid)."""
    pids = _pids(folder)
    rows = []
    # Process 1 is always there, so a listing without it is a listing with holes.
    hidden = 1 not in pids
    for pid in pids:
        try:
            process = _process(folder, pid)
        except PermissionError:
            hidden = True
        except OSError:
            continue  # it ended while we looked
        else:
            rows += [process] if process else []
    return Listing(tuple(rows), not hidden, Problem("denied", "processes_hidden", folder) if hidden else None)


def _owners(folder: str, wanted: set[int]) -> tuple[dict[int, list[Process]], bool]:
    """The processes that hold each of the ``wanted`` sockets, and whether some process would not show its files."""
    owners: dict[int, list[Process]] = {}
    denied = False
    for pid in _pids(folder):
        try:
            descriptors = os.listdir(f"{folder}/{pid}/fd")
        except PermissionError:
            denied = True
            continue
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                link = SOCKET_LINK.match(os.readlink(f"{folder}/{pid}/fd/{descriptor}"))
                process = _process(folder, pid) if link and int(link.group(1)) in wanted else None
                if link and process:
                    owners.setdefault(int(link.group(1)), []).append(process)
            except PermissionError:
                denied = True
                break
            except OSError:
                continue
    return owners, denied


def owner(holders: list[Process]) -> Process | None:
    """The one process to name for a socket that several hold.

    systemd keeps every socket it opened for a service, so the service is the better answer; among the others the
    first by file and name, which does not change from run to run as a pid does.
    """
    served = [process for process in holders if process.pid != 1] or holders
    return min(served, key=lambda process: (process.path or "", process.name), default=None)


def sockets(folder: str, read: Callable[[str], bytes]) -> Listing:
    """The listening sockets with their owners. Incomplete when an owner could not be seen."""
    found = []
    for table, (protocol, _) in TABLES.items():
        try:
            text = read(f"{folder}/net/{table}").decode("ascii", "replace")
        except NotFound:
            if not table.endswith("6"):
                raise
            continue  # a kernel without IPv6
        family = "ipv6" if table.endswith("6") else "ipv4"
        found += [(protocol, family, *entry) for entry in listening(table, text)]
    owners, denied = _owners(folder, {entry[4] for entry in found})
    rows = []
    for protocol, family, where, port, inode in found:
        holder = owner(owners.get(inode, []))
        rows.append(
            Socket(protocol, family, where, port, holder.name if holder else None, holder.path if holder else None)
        )
    hidden = denied and any(row.process is None for row in rows)
    # Even root is refused by a process outside its container or by a hardened kernel.
    code = "owner_shielded" if os.geteuid() == 0 else "owner_hidden"
    return Listing(tuple(rows), not hidden, Problem("denied", code) if hidden else None)
