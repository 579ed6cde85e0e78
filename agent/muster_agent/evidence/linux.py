"""What of a product is there and what of it runs on a Linux PC, by the evidence of the catalogue."""

from __future__ import annotations

from typing import Iterable, Iterator

from muster_agent.catalogue import Catalogue, LinuxEvidence, Product
from muster_agent.evidence import Finding, installed
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, Process

UNIT_FOLDERS = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")
INIT_FOLDER = "/etc/init.d"
# systemd gives every running service a folder here, which goes with its last process (unified hierarchy, and v1).
RUNNING_FOLDERS = ("/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/systemd/system.slice")
# Where programs are installed. A program of the right name under /home or /tmp is not the product.
PROGRAM_FOLDERS = ("/usr/", "/opt/", "/bin/", "/sbin/", "/lib/")


def under(path: str, places: Iterable[str]) -> bool:
    """Whether ``path`` is one of ``places`` or lies in one of them."""
    return any(path == place or path.startswith(place + "/") for place in places)


def is_program(process: Process, *names: str) -> bool:
    """Whether ``process`` bears one of ``names`` and lies where programs are installed. Of another user's process only
    the name can be seen."""
    return process.name in names and (process.path is None or process.path.startswith(PROGRAM_FOLDERS))


class Look:
    """One look at a PC: its packages, units, processes. ``notes`` says what could not be seen."""

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
            versions, notes = installed.versions(self.machine)
        except CannotRead as error:
            self.notes.append(error.problem())  # products known by their package would be missing
            return {}
        self.notes += notes
        return versions

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

    def search(self, catalogue: Catalogue) -> tuple[list[Finding], list[Problem]]:
        """The products of ``catalogue`` that are there, and notes on what could not be seen."""
        notes = list(self.notes)
        found = []
        for product in catalogue.on("linux"):
            assert product.linux is not None
            presence = tuple(self._presence(product.linux, notes))
            if presence:
                found.append(self._finding(product, product.linux, presence, catalogue.generic))
        return found, notes

    def _presence(self, evidence: LinuxEvidence, notes: list[Problem]) -> Iterator[str]:
        for package in evidence.packages:
            if package in self.versions:
                yield "package:" + package
        for path in evidence.paths:
            try:
                if self.machine.exists(path):
                    yield "path:" + path
            except CannotRead as error:
                notes.append(error.problem())
        for service in evidence.services:
            if service in self.units:
                yield "service:" + service

    def _finding(
        self, product: Product, evidence: LinuxEvidence, presence: tuple[str, ...], generic: frozenset[str]
    ) -> Finding:
        names = {process.name for process in self.processes if self._is_of(process, evidence, generic)}
        services = {service for service in evidence.services if service + ".service" in self.active}
        activity = (*("process:" + name for name in sorted(names)), *("active:" + name for name in sorted(services)))
        running: bool | None = True if activity else False if self._shows_all(evidence, generic) else None
        doubt = None
        if running is None:
            doubt = self.hidden or Problem("denied", "owner_hidden", product.id)
        versions = (self.versions[name] for name in evidence.packages if name in self.versions)
        return Finding(product, presence, activity, running, next(versions, None), doubt)

    def _is_of(self, process: Process, evidence: LinuxEvidence, generic: frozenset[str]) -> bool:
        """Whether ``process`` is the product at work: by its name where the names are known (a scan started by hand
        is no running protection), else by any program in the product's folder."""
        inside = process.path is not None and under(process.path, evidence.paths)
        if not evidence.processes:
            return inside
        if process.name not in evidence.processes:
            return False
        return inside or (process.name not in generic and is_program(process, process.name))

    def _shows_all(self, evidence: LinuxEvidence, generic: frozenset[str]) -> bool:
        """Whether the product would have been seen if it ran: no process is hidden, and it is known by process names
        or the files of all processes could be seen."""
        if self.hidden is not None:
            return False
        return any(name not in generic for name in evidence.processes) or self.machine.privileged()


def look(machine: Machine) -> Look:
    """The one look of this run."""
    return machine.once(Look)
