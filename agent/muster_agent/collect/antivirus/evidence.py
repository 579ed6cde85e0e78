"""What of a product is there and what of it runs, by the evidence of the catalogue."""

from __future__ import annotations

from typing import Iterator

from muster_agent.catalogue import Product
from muster_agent.deb.status import installed
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, Process

UNIT_FOLDERS = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")
INIT_FOLDER = "/etc/init.d"
# systemd gives every running service a folder here, which goes with its last process (unified hierarchy, and v1).
RUNNING_FOLDERS = ("/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/systemd/system.slice")
# Where programs are installed. A program of the right name under /home or /tmp is not the product.
PROGRAM_FOLDERS = ("/usr/", "/opt/", "/bin/", "/sbin/", "/lib/")


def under(path: str, places: tuple[str, ...]) -> bool:
    """Whether ``path`` is one of ``places`` or lies in one of them."""
    return any(path == place or path.startswith(place + "/") for place in places)


def is_program(process: Process, *names: str) -> bool:
    """Whether ``process`` bears one of ``names`` and lies where programs are installed. Of another user's process only
    the name can be seen."""
    return process.name in names and (process.path is None or process.path.startswith(PROGRAM_FOLDERS))


class Evidence:
    """One look at a PC: its packages, units, processes; ``notes`` says what could not be seen."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.notes: list[Problem] = []
        self.versions = self._packages()
        self.units = self._units()
        self.active = {name for folder in RUNNING_FOLDERS for name in self._names(folder)}
        listing = machine.processes()
        self.processes: tuple[Process, ...] = listing.rows
        self.hidden = listing.problem

    def _packages(self) -> dict[str, str]:
        try:
            return {package.name: package.version for package in installed(self.machine)}
        except CannotRead as error:
            self.notes.append(error.problem())  # products known by their package would be missing
            return {}

    def _names(self, folder: str) -> list[str]:
        try:
            return self.machine.names(folder)
        except CannotRead as error:
            self.notes.append(error.problem())
            return []

    def _units(self) -> set[str]:
        ending = ".service"
        names = {name for folder in UNIT_FOLDERS for name in self._names(folder) if name.endswith(ending)}
        return {name[: -len(ending)] for name in names} | set(self._names(INIT_FOLDER))

    def presence(self, product: Product) -> Iterator[str]:
        """What shows that ``product`` is installed, e.g. ``package:clamav-daemon``."""
        for package in product.linux.packages:
            if package in self.versions:
                yield "package:" + package
        for path in product.linux.paths:
            try:
                if self.machine.exists(path):
                    yield "path:" + path
            except CannotRead as error:
                self.notes.append(error.problem())
        for service in product.linux.services:
            if service in self.units:
                yield "service:" + service

    def is_of(self, process: Process, product: Product) -> bool:
        """Whether ``process`` is ``product`` at work: by its name where the names are known (a scan started by hand
        is no running protection), else by any program in the product's folder."""
        inside = process.path is not None and under(process.path, product.linux.paths)
        if not product.linux.processes:
            return inside
        return is_program(process, *product.linux.processes) or (inside and process.name in product.linux.processes)

    def activity(self, product: Product) -> list[str]:
        """What shows that ``product`` runs, e.g. ``process:clamd``."""
        names = {process.name for process in self.processes if self.is_of(process, product)}
        services = {service for service in product.linux.services if service + ".service" in self.active}
        return [*("process:" + name for name in sorted(names)), *("active:" + name for name in sorted(services))]

    def shows_all(self, product: Product) -> bool:
        """Whether ``product`` would have been seen if it ran: no process is hidden, and it is known by process names
        or the files of all processes could be seen."""
        if self.hidden is not None:
            return False
        return bool(product.linux.processes) or self.machine.privileged()
