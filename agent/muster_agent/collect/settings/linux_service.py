"""Whether a service of a Linux PC is set to run: it starts by itself, or waits on its socket, or runs now."""

from __future__ import annotations

from muster_agent.machine import CannotRead, Machine
from muster_agent.system.systemd.folders import BOOTED, is_enabled
from muster_agent.system.systemd.running import Running


def runs(machine: Machine, units: tuple[str, ...], process: str) -> bool:
    """Whether one of ``units`` (without .service), or a process of this name, runs. Raises :class:`CannotRead` when
    neither is seen and not everything could be."""
    try:
        running = Running(machine)
    except CannotRead:
        running = None
    if running is not None and any(running.service(f"{unit}.service") for unit in units):
        return True
    listing = machine.processes()
    if any(row.name == process for row in listing.rows):
        return True
    if listing.problem is not None and running is None:
        raise CannotRead(listing.problem.code, listing.problem.detail, listing.problem.status)
    return False


def set_to_run(machine: Machine, units: tuple[str, ...], process: str) -> bool:
    """Whether one of ``units`` (without .service) is set to run. Raises :class:`CannotRead` where nothing tells."""
    booted = machine.exists(BOOTED)
    if booted and any(is_enabled(machine, unit + kind) for unit in units for kind in (".service", ".socket")):
        return True
    if runs(machine, units, process):
        return True
    if not booted:  # what starts services here is not known, and so not what it will start
        raise CannotRead("no_service_manager", BOOTED, "unsupported")
    return False
