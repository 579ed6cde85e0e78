"""Installed packages on Linux, from dpkg's database. The rpm family is not built yet and says so."""

from __future__ import annotations

from muster_agent.deb.status import installed
from muster_agent.facts import Package, Table
from muster_agent.machine import Machine


def collect(machine: Machine) -> Table:
    """The packages whose files are on the disk. A PC without a package database is a problem, not an empty list."""
    rows = [
        Package(
            name=package.name,
            version=package.version,
            type="deb",
            arch=package.arch or None,
            source=package.source,
            source_version=package.source_version,
        )
        for package in installed(machine)
    ]
    return Table(rows=tuple(sorted(rows, key=lambda row: (row.name or "", row.arch or "", row.version or ""))))
