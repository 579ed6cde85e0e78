"""Installed programs on Windows, from the uninstall entries of the PC and of the users whose registry is loaded.

What registers nowhere, and the apps of the Store, are not among them.
"""

from __future__ import annotations

from muster_agent.facts import Package, Problem, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import registry_key, uninstall


def collect(machine: Machine) -> Table:
    """The programs. Without the PC's own entries there is no list; what else was not readable is said in notes."""
    rows: set[Package] = set()
    notes: list[Problem] = []
    hives: list[str] = []
    try:
        hives = machine.registry_keys("HKU")
    except CannotRead as error:
        notes.append(error.problem())
    for place in uninstall.places(hives):
        try:
            names = machine.registry_keys(place) if place == uninstall.OWN else machine.subkeys(place)
        except CannotRead as error:
            if place == uninstall.OWN:
                raise
            notes.append(error.problem())
            continue
        for name in names:
            try:
                found = uninstall.package(registry_key.optional(machine, f"{place}\\{name}"))
            except CannotRead as error:
                notes.append(error.problem())
                continue
            if found is not None:
                rows.add(found)
    try:
        unseen = ", ".join(uninstall.absent(machine, hives))
        notes += [Problem("unsupported", "profile_not_loaded", unseen[:200])] if unseen else []
    except CannotRead as error:
        notes.append(error.problem())
    return Table(
        rows=tuple(sorted(rows, key=lambda row: (row.name or "", row.version or ""))),
        notes=tuple(notes),
    )
