"""The services of a Linux PC: of systemd, else of the init that started it. In a container there is none, and what
lies on its disk says nothing about what runs."""

from __future__ import annotations

from muster_agent.collect.services import linux_other_init, linux_systemctl, linux_unit_files
from muster_agent.facts import Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.systemd.folders import BOOTED


def _started_by_init(machine: Machine) -> bool:
    """Whether process 1 is System V init or Upstart: a container's is a program of its own, or tini, or catatonit."""
    first = next((process for process in machine.processes().rows if process.pid == 1), None)
    if first is None or first.name != "init" or first.path not in (None, "/sbin/init", "/usr/sbin/init"):
        return False
    return machine.exists("/etc/inittab") or machine.exists(linux_other_init.JOBS)


def collect(machine: Machine) -> Table:
    """One row a service."""
    if machine.exists(BOOTED):
        try:
            rows, notes = linux_unit_files.services(machine)
        except CannotRead as denied:
            try:
                rows, notes = linux_systemctl.services(machine)
            except CannotRead:
                raise denied from None
            notes = [*notes, denied.problem()]
    elif any(machine.exists(mark) for mark in linux_other_init.OPENRC_MARKS):
        rows, notes = linux_other_init.under_openrc(machine)
    elif _started_by_init(machine):
        rows, notes = linux_other_init.under_sysv(machine)
    else:
        raise CannotRead("no_service_manager", BOOTED, "unsupported")
    return Table(rows=tuple(rows), notes=tuple(notes))
