"""The last start on Windows."""

from __future__ import annotations

from muster_agent.facts import Boot, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import filetime


def collect(machine: Machine) -> Table:
    """The time of the last start, which the machine rounds so that it holds still. Windows has no identifier of a
    start. With fast startup a shutdown is none: the kernel sleeps on the disk, and what was updated is not in force."""
    started = machine.api("BootTime")
    if not isinstance(started, int):
        raise CannotRead("not_understood", "BootTime")
    return Table(rows=(Boot(None, filetime.moment_of_seconds(started, "BootTime")),))
