"""Remote-control programs on Linux."""

from __future__ import annotations

from muster_agent import catalogue
from muster_agent.collect.remote_access.rows import table
from muster_agent.evidence import linux
from muster_agent.facts import Table
from muster_agent.machine import Machine


def collect(machine: Machine) -> Table:
    """The programs that are there, by packages, folders and units."""
    look, known = linux.look(machine), catalogue.remote_access()
    findings, notes = look.search(known)
    return table(known, "linux", findings, notes, look.processes)
