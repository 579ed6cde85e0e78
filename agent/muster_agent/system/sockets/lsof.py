"""What ``lsof`` prints. Ask it with -n -P; it shows a user only the sockets of programs he may look into."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead
from muster_agent.system.sockets import Printed, split

HEADER = re.compile(r"^COMMAND +PID +(?:TID +)?(?:TASKCMD +)?USER +FD +TYPE +DEVICE +SIZE/OFF +NODE +NAME")
# sshd  1206  root  3u  IPv4  21598  0t0  TCP *:22 (LISTEN): on macOS the device is an address like 0x1f2e….
SOCKET = re.compile(
    r"^(?P<command>\S+) .*? (?P<family>IPv[46]) +\S+ +(?:0t[0-9]+ +)?(?P<protocol>TCP|UDP) (?P<name>\S+)"
    r"(?: \((?P<state>[A-Z_0-9]+)\))?$"
)
INTERNET = re.compile(r" IPv[46] ")


def parse(text: str) -> tuple[list[Printed], bool]:
    """(the listening TCP and unconnected UDP sockets, whether every program could be looked into). Raises
    :class:`CannotRead` for anything but lsof's table."""
    rows: dict[Printed, None] = {}
    header = False
    complete = True
    for line in text.split("\n"):
        if HEADER.match(line):
            header = True
            continue
        if not header:
            if line.startswith(("lsof:", " ")) or not line.strip():
                continue  # a warning about a file system
            raise CannotRead("not_understood", f"lsof: {line.strip()[:80]}")
        complete = complete and "Permission denied)" not in line
        if INTERNET.search(line):
            for row in _row(line):
                rows[row] = None
    if not header:
        raise CannotRead("not_understood", f"lsof: {text.strip()[:80]}")
    return list(rows), complete


def _row(line: str) -> list[Printed]:
    found = SOCKET.match(line.rstrip())
    if found is None:
        if re.search(r" (?:TCP|UDP) no PCB|can't identify protocol|UDPLITE|SCTP|ICMP|(?:TCP|UDP) *$", line):
            return []
        raise CannotRead("not_understood", f"lsof: {line.strip()[:80]}")
    protocol = found.group("protocol").lower()
    name, state = found.group("name"), found.group("state")
    if "->" in name or (protocol == "tcp" and state != "LISTEN"):
        return []
    address, port = split(name)
    if port == "*":  # not bound to a port
        return []
    family = "ipv4" if found.group("family") == "IPv4" else "ipv6"
    command = found.group("command").replace("\\x20", " ")
    return [Printed(protocol, family, address, port, command)]
