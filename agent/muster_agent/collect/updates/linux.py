"""Pending updates on Linux: dpkg's database against apt's lists, without root and without the network."""

from __future__ import annotations

from muster_agent.deb.pending import Pending
from muster_agent.deb.status import installed
from muster_agent.facts import Table, Update
from muster_agent.machine import Machine


def collect(machine: Machine) -> Table:
    """The packages something newer is on offer for, held ones included: a hold mends nothing.

    Equals ``apt-get -s upgrade`` (what it would install and what it keeps back), and the security updates that a pin
    keeps away from it. No lists at all is a problem; a PC
    without the list of its security updates says so in a note, and leaves ``security`` null.
    """
    pending = Pending(machine, installed(machine))
    rows = {
        Update(
            name=package.name,
            arch=package.arch,
            source=chosen.source,
            installed=package.version,
            available=chosen.version,
            security=chosen.security if pending.knows_security else None,
            origin=chosen.origin,
        )
        for package, chosen in pending.found
    }
    return Table(rows=tuple(sorted(rows, key=lambda row: (row.name, row.arch))), notes=tuple(pending.notes))
