"""What ``ss`` (iproute2) prints, in all its widths and since its first versions; it asks the kernel without /proc."""

from __future__ import annotations

import re

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Listing, Machine
from muster_agent.system import programs
from muster_agent.system.sockets import Printed, socket_of, split

OPTIONS = {"ipv4": "-lntup4", "ipv6": "-lntup6"}
LISTENING = {"tcp": "LISTEN", "udp": "UNCONN"}
# The kinds of sockets ss knows (misc/ss.c), but for the two we read.
OTHERS = re.compile(
    r"^(?:nl|u_str|u_dgr|u_seq|p_raw|p_dgr|raw|raw6|icmp|icmp6|dccp|sctp|mptcp|tipc|v_str|v_dgr|v_seq|ti-..|xdp|udplite|"
    r"unix|\?\?\?)$"
)
COUNT = re.compile(r"^[0-9]{1,12}$")
# users:(("sshd",pid=1222,fd=3)), and users:(("sshd",1231,3)) until iproute2 3.x.
USER = re.compile(r'users:\(\("([^"]*)",(?:pid=)?[0-9]{1,10},')


def parse(text: str) -> list[Printed]:
    """The listening TCP and unconnected UDP sockets. Raises :class:`CannotRead` for anything but output of ss."""
    lines = text.split("\n")
    start = next((number for number, line in enumerate(lines) if "Recv-Q" in line and "Address:Port" in line), None)
    if start is None:
        raise CannotRead("not_understood", f"ss: {text.strip()[:80]}")
    named = lines[start].split()[0] == "Netid"  # the column is left out when one kind alone was asked for
    rows = []
    for line in lines[start + 1 :]:
        fields = line.split(None, 6 if named else 5)
        if not fields or line[:1] in " \t":  # a blank line, or more about the socket above (-i, -m)
            continue
        kind = fields[0] if named else "tcp"
        if kind not in LISTENING:
            if OTHERS.match(kind) is None:
                raise CannotRead("not_understood", f"ss: {line.strip()[:80]}")
            continue
        rest = fields[1:] if named else fields
        if len(rest) < 5 or COUNT.match(rest[1]) is None or COUNT.match(rest[2]) is None:
            raise CannotRead("not_understood", f"ss: {line.strip()[:80]}")
        if not named and rest[0] == "UNCONN":
            raise CannotRead("not_understood", f"ss: {line.strip()[:80]}")  # of which protocol?
        if rest[0] != LISTENING[kind]:
            continue
        address, port = split(rest[3])
        user = USER.search(line)
        rows.append(Printed(kind, _family(address, text), address, port, user.group(1) if user else None))
    return rows


def _family(address: str, text: str) -> str | None:
    """The family of a printed address. Old versions print ``*`` for 0.0.0.0, newer ones for a socket of both families,
    and 0.0.0.0 for that of one."""
    if address.partition("%")[0] == "*":
        return "ipv6" if "0.0.0.0:" in text else None
    return "ipv6" if ":" in address else "ipv4"


def listing(machine: Machine) -> Listing:
    """The listening sockets by ss, each family asked alone, which settles what ``*`` means. Raises
    :class:`CannotRead`."""
    rows = []
    for family, options in OPTIONS.items():
        for printed in parse(programs.text(machine, "ss", options)):
            asked = Printed(printed.protocol, family, printed.address, printed.port, printed.process)
            rows.append(socket_of(asked))
    hidden = any(row.process is None for row in rows)
    return Listing(tuple(rows), not hidden, Problem("denied", "owner_hidden") if hidden else None)
