"""The last start of a Mac, as its kernel tells."""

from __future__ import annotations

from muster_agent.facts import Boot, Problem, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.filetime import moment_of_seconds


def collect(machine: Machine) -> Table:
    """The one row."""
    notes: list[Problem] = []
    started: str | None = None
    session: str | None = None
    try:
        said = machine.api("sysctl", "kern.boottime")
        if not isinstance(said, int):
            raise CannotRead("not_understood", "sysctl kern.boottime")
        started = moment_of_seconds(said, "sysctl kern.boottime")
    except CannotRead as error:
        notes.append(error.problem("boot_time"))
    try:
        named = machine.api("sysctl", "kern.bootsessionuuid")
        if not isinstance(named, str) or not named:
            raise CannotRead("not_understood", "sysctl kern.bootsessionuuid")
        session = named
    except CannotRead as error:
        notes.append(error.problem("boot_id"))
    if len(notes) == 2:
        return Table(problem=notes[0])
    return Table(rows=(Boot(boot_id=session, boot_time=started),), notes=tuple(notes))
