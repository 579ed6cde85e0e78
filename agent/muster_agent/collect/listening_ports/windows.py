"""Listening sockets on Windows, with the program behind each."""

from __future__ import annotations

from muster_agent.collect.listening_ports import scope
from muster_agent.facts import Table
from muster_agent.machine import Machine


def collect(machine: Machine) -> Table:
    """Every listening TCP socket and every UDP socket. A socket of the kernel (file sharing, HTTP.sys) belongs to
    System."""
    return scope.table(machine.sockets())
