"""Installed packages on Linux, from the database of the system's own package system and those beside it."""

from __future__ import annotations

from muster_agent.collect.packages import beside
from muster_agent.facts import Package, Problem, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import package_system
from muster_agent.system.package_system import Debs, Rpms


def collect(machine: Machine) -> Table:
    """The packages whose files are on the disk. A PC without a package database is a problem, not an empty list."""
    notes: list[Problem] = []
    rows = beside.packages(machine, notes)
    try:
        system = package_system.of(machine)
        rows += [
            Package(
                name=package.name,
                version=package.version,
                type="deb" if isinstance(system, Debs) else "rpm",
                arch=package.arch or None,
                source=package.source or None,
                source_version=package.source_version or None,
            )
            for package in system.packages
        ]
        notes += system.notes if isinstance(system, Rpms) else ()
    except CannotRead as error:
        # Arch's and Alpine's packages are there already; a snap or a Flatpak stands beside a system and for none.
        if error.code != "package_system_not_built" or not any(row.type in ("pacman", "apk") for row in rows):
            raise
    return Table(
        rows=tuple(sorted(rows, key=lambda row: (row.type or "", row.name or "", row.arch or "", row.version or ""))),
        notes=tuple(notes),
    )
