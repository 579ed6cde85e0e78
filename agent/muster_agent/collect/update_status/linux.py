"""The patch state of a Linux PC: how fresh its knowledge is, when it was last mended, whether it must be restarted."""

from __future__ import annotations

from muster_agent.collect.attempts import Attempts
from muster_agent.collect.update_status import debs
from muster_agent.facts import Table
from muster_agent.machine import Machine
from muster_agent.system import package_system
from muster_agent.system.package_system import Debs


def collect(machine: Machine) -> Table:
    """The one row, of the package system this PC is made of."""
    system, attempt = package_system.of(machine), Attempts()
    if isinstance(system, Debs):
        return Table(rows=(debs.status(machine, system.packages, attempt),), notes=tuple(attempt.notes))
    from muster_agent.collect.update_status import rpms  # what the other family reads is of no use here

    row = rpms.status(machine, system.packages, attempt)
    return Table(rows=(row,), notes=(*system.notes, *attempt.notes))
