"""The jobs of launchd, from the property lists of its folders (launchd.plist(5))."""

from __future__ import annotations

from typing import Iterator

from muster_agent.dataclass import dataclass
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import plist

FOLDERS = ("/Library/LaunchDaemons", "/System/Library/LaunchDaemons")
# Overrides of the system's domain. Root alone may read it; `launchctl print-disabled` shows it to everybody.
OVERRIDES = "/var/db/com.apple.xpc.launchd/disabled.plist"


@dataclass(frozen=True)
class Job:
    """One job."""

    label: str
    program: str | None
    at_load: bool  # it starts by itself, with the system
    disabled: bool  # its own file says so; an override decides before it
    user: str | None


def job(found: plist.Dictionary, path: str) -> Job:
    """The job a property list describes. Raises ``not_understood``."""
    label = plist.text(found, "Label")
    arguments = found.get("ProgramArguments")
    program = plist.text(found, "Program")
    if program is None and isinstance(arguments, list) and arguments and isinstance(arguments[0], str):
        program = arguments[0]
    if label is None:
        raise CannotRead("not_understood", path)
    # KeepAlive may be a dictionary of conditions: then it starts when they hold.
    at_load = plist.flag(found, "RunAtLoad") is True or found.get("KeepAlive") is True
    return Job(label, program, at_load, plist.flag(found, "Disabled") is True, plist.text(found, "UserName"))


def jobs(machine: Machine, notes: list[Problem]) -> Iterator[Job]:
    """Every job of the system; a file that cannot be read is noted."""
    for folder in FOLDERS:
        for name in machine.names(folder):
            path = f"{folder}/{name}"
            if not name.endswith(".plist"):
                continue
            try:
                yield job(plist.read(machine, path), path)
            except CannotRead as error:
                notes.append(error.problem())
