"""Pending updates on Linux, from what was last downloaded of them: without root and without the network."""

from __future__ import annotations

from muster_agent.facts import Table, Update
from muster_agent.machine import Machine
from muster_agent.system import package_system
from muster_agent.system.deb.pending import Pending as PendingDebs
from muster_agent.system.package_system import Debs


def _of_debs(machine: Machine, system: Debs) -> Table:
    """Equals ``apt-get -s upgrade`` (what it would install and what it keeps back), and the security updates that a
    pin keeps away from it."""
    pending = PendingDebs(machine, system.packages)
    rows = {
        Update(
            name=package.name,
            arch=package.arch,
            source=chosen.source,
            installed=package.version,
            available=chosen.version,
            security=pending.mends(chosen),
            origin=chosen.origin,
        )
        for package, chosen in pending.found
    }
    return Table(rows=tuple(sorted(rows, key=lambda row: (row.name, row.arch))), notes=tuple(pending.notes))


def collect(machine: Machine) -> Table:
    """The packages something newer is on offer for, held ones included: a hold mends nothing.

    Nothing downloaded at all is a problem; a PC whose sources do not tell security updates from others says so in a
    note, and leaves ``security`` null.
    """
    system = package_system.of(machine)
    if isinstance(system, Debs):
        return _of_debs(machine, system)
    from muster_agent.system.rpm.pending import Pending  # what the other family reads is of no use here

    pending = Pending(machine, system.packages)
    rows = sorted(set(pending.rows), key=lambda row: (row.name or "", row.arch or "", row.available or ""))
    return Table(rows=tuple(rows), notes=(*system.notes, *pending.notes))
