"""The programs Windows can uninstall, with what helps to tell whose they are: publisher and folder."""

from __future__ import annotations

from muster_agent.dataclass import dataclass
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import registry_key
from muster_agent.system.uninstall import OWN, first_line, places


@dataclass(frozen=True)
class Program:
    """One uninstall entry with a name."""

    name: str
    version: str | None
    publisher: str | None
    folder: str | None  # InstallLocation


def programs(machine: Machine) -> tuple[list[Program], list[Problem]]:
    """The programs, and what could not be read. A user's own programs are seen while the user is logged in."""
    notes: list[Problem] = []
    found: list[Program] = []
    try:
        hives = machine.subkeys("HKU")
    except CannotRead as error:
        notes.append(error.problem())
        hives = []
    for place in places(hives):
        try:
            names = machine.registry_keys(place) if place == OWN else machine.subkeys(place)
        except CannotRead as error:
            notes.append(error.problem())
            continue
        for name in names:
            try:
                key = registry_key.optional(machine, f"{place}\\{name}")
                title = first_line(key.text("DisplayName"))
                if title is not None:
                    texts = (key.text(value) for value in ("DisplayVersion", "Publisher", "InstallLocation"))
                    found.append(Program(title, *(first_line(text) for text in texts)))
            except CannotRead as error:
                notes.append(error.problem())
    return found, notes
