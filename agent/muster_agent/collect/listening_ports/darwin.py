"""Listening sockets on macOS: by psutil, which needs root there; else as netstat prints them, without programs."""

from __future__ import annotations

from muster_agent.collect.listening_ports import scope
from muster_agent.facts import Table
from muster_agent.machine import CannotRead, Listing, Machine, program_failed
from muster_agent.system.sockets import netstat, socket_of

NETSTAT = ["/usr/sbin/netstat", "-an", "-W"]


def printed(machine: Machine, why: CannotRead) -> Listing:
    """What netstat prints, and ``why`` nobody's program is known."""
    output = machine.run(NETSTAT)
    if output.status != 0:
        raise program_failed(NETSTAT, output.status, output.stderr)
    rows = [socket_of(row) for row in netstat.parse(output.stdout.decode("utf-8", "replace"))]
    return Listing(tuple(rows), False, why.problem())


def collect(machine: Machine) -> Table:
    """Every listening TCP socket and every UDP socket without a fixed peer."""
    try:
        listing = machine.sockets()
    except CannotRead as error:
        listing = printed(machine, error)
    return scope.table(listing)
