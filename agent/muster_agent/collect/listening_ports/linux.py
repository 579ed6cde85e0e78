"""Listening sockets on Linux: what ``ss -lntu`` shows, with the program behind each."""

from __future__ import annotations

from dataclasses import replace

from muster_agent.collect.listening_ports import scope
from muster_agent.facts import Problem, Table
from muster_agent.machine import CannotRead, Machine


def collect(machine: Machine) -> Table:
    """Every listening TCP socket and every UDP socket without a fixed peer.

    Where /proc/net may not be read, as on systems with grsecurity, ss is asked: the kernel tells it over netlink.
    """
    try:
        return scope.table(machine.sockets())
    except CannotRead as hidden:
        if hidden.code not in ("denied", "not_found"):
            raise
        from muster_agent.system.sockets import ss

        try:
            table = scope.table(ss.listing(machine))
        except CannotRead:
            raise hidden from None
        return replace(table, notes=(*table.notes, Problem("unsupported", "program_file_not_told", "ss", "path")))
