"""What ``netstat`` prints on Linux (net-tools) and on macOS. Ask it with -n, and with -W where it knows that: it cuts
addresses to the width of its columns, and names instead of numbers cannot become rows."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead
from muster_agent.system.sockets import Printed, split

KINDS = {
    "tcp": ("tcp", "ipv4"),
    "tcp6": ("tcp", "ipv6"),
    "udp": ("udp", "ipv4"),
    "udp6": ("udp", "ipv6"),
    # macOS: 46 is a socket of both families.
    "tcp4": ("tcp", "ipv4"),
    "tcp46": ("tcp", "ipv6"),
    "udp4": ("udp", "ipv4"),
    "udp46": ("udp", "ipv6"),
}
HEADER = re.compile(r"^Proto +Recv-Q +Send-Q +Local Address +Foreign Address +\(?[Ss]tate\b")
# A table begins: of the Internet, or of sockets that reach no further than this PC or Bluetooth.
SECTION = re.compile(r"^(?:Active|Registered) ")
COUNT = re.compile(r"^[0-9]{1,12}$")
PROGRAM = re.compile(r" [0-9]{1,10}/(\S.*)$")
TIMER = re.compile(r" (?:off|on|keepalive|timewait|probe|unkn-[0-9]+) +\([0-9./]+\)$")


def parse(text: str) -> list[Printed]:
    """The listening TCP and unconnected UDP sockets. Raises :class:`CannotRead` for anything but a table of them."""
    rows: list[Printed] = []
    header, internet, seen = "", True, False
    for line in text.split("\n"):
        if SECTION.match(line):
            header, internet, seen = "", line.startswith("Active Internet"), True
        elif internet and HEADER.match(line):
            header, seen = line, True
        elif internet and line.startswith("Proto"):
            raise CannotRead("not_understood", f"netstat: {line.strip()[:80]}")
        elif header and line.strip():
            rows += _row(line, header)
    if not seen:
        raise CannotRead("not_understood", f"netstat: {text.strip()[:80]}")
    return rows


def _row(line: str, header: str) -> list[Printed]:
    fields = line.split()
    kind = KINDS.get(fields[0])
    if kind is None:
        if re.match(r"^(?:raw|icm|udplite|sctp|dccp|igmp|div|ax25|l2cap|rfcomm)", fields[0]):
            return []
        raise CannotRead("not_understood", f"netstat: {line.strip()[:80]}")
    if len(fields) < 5 or COUNT.match(fields[1]) is None or COUNT.match(fields[2]) is None:
        raise CannotRead("not_understood", f"netstat: {line.strip()[:80]}")
    protocol, family = kind
    if protocol == "tcp" and (len(fields) < 6 or not re.match(r"^[A-Z_0-9]+$", fields[5])):
        raise CannotRead("not_understood", f"netstat: {line.strip()[:80]}")
    if protocol == "tcp" and fields[5] != "LISTEN":
        return []
    if protocol == "udp" and not (fields[4].endswith((":*", ".*"))):
        return []
    if fields[4] == "*.*":  # macOS: *.22, ::1.631
        address, _, port = fields[3].rpartition(".")
    else:
        address, port = split(fields[3])
    if not address or port == "*":  # a UDP socket that is not bound to a port
        return []
    # A local column of 23 characters that is full may have lost the end of an IPv6 address.
    narrow = header.find("Foreign") - header.find("Local") == 24
    whole = not (narrow and family == "ipv6" and len(fields[3]) == 23)
    return [Printed(protocol, family, address, port, _program(line, header), whole)]


def _program(line: str, header: str) -> str | None:
    """The program's name in the column PID/Program name, which other columns may follow."""
    if "PID/Program name" not in header:
        return None
    found = PROGRAM.search(TIMER.sub("", line.rstrip()).rstrip())
    return found.group(1) if found else None
