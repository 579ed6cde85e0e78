"""The services of a Linux PC: of systemd, else of the init that started it. In a container there is none, and what
lies on its disk says nothing about what runs."""

from __future__ import annotations

from muster_agent.facts import Problem, Service, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.systemd.folders import BOOTED

# What reads the services of an init is loaded where that init runs.


def _under_systemd(machine: Machine) -> tuple[list[Service], list[Problem]]:
    """By the files of its units, else by what systemctl says of them."""
    from muster_agent.collect.services import linux_unit_files

    try:
        return linux_unit_files.services(machine)
    except CannotRead as denied:
        from muster_agent.collect.services import linux_systemctl

        try:
            rows, notes = linux_systemctl.services(machine)
        except CannotRead:
            raise denied from None
        return rows, [*notes, denied.problem()]


def _started_by_init(machine: Machine) -> bool:
    """Whether process 1 is System V init or Upstart: a container's is a program of its own, or tini, or catatonit."""
    first = next((process for process in machine.processes().rows if process.pid == 1), None)
    if first is None or first.name != "init" or first.path not in (None, "/sbin/init", "/usr/sbin/init"):
        return False
    return machine.exists("/etc/inittab") or machine.exists("/etc/init")  # of Upstart


def _under_another(machine: Machine) -> tuple[list[Service], list[Problem]]:
    """OpenRC's, Upstart's or System V init's. Raises ``no_service_manager``."""
    if any(machine.exists(mark) for mark in ("/run/openrc", "/lib/rc/init.d", "/libexec/rc/init.d")):
        from muster_agent.collect.services import linux_other_init

        return linux_other_init.under_openrc(machine)
    if _started_by_init(machine):
        from muster_agent.collect.services import linux_other_init

        return linux_other_init.under_sysv(machine)
    raise CannotRead("no_service_manager", BOOTED, "unsupported")


def collect(machine: Machine) -> Table:
    """One row a service."""
    rows, notes = _under_systemd(machine) if machine.exists(BOOTED) else _under_another(machine)
    return Table(rows=tuple(rows), notes=tuple(notes))
