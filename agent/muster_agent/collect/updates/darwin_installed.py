"""What a Mac installed since it last searched for updates: until the next search its list still offers it."""

from __future__ import annotations

import re

from muster_agent.collect.os_version import darwin as os_version
from muster_agent.collect.update_status import darwin as update_status
from muster_agent.facts import Problem, Update
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import plist

# Apple names what mends security faults alone so; a release of macOS mends some too, and its list does not say.
SECURITY = re.compile(r"^(Security Update|Rapid Security Response|macOS Security Response|XProtect|MRT)", re.IGNORECASE)


def since(machine: Machine, searches: list[str], notes: list[Problem]) -> bool:
    """Whether an update of macOS was installed after the last search, which then says too much or too little. A history
    that cannot be read is noted: the list may be of before."""
    try:
        newest = max(update_status.installations(machine), default="")
    except CannotRead as error:
        notes.append(error.problem())
        return False
    if newest <= max(searches):
        return False
    notes.append(Problem("stale", "installed_since_search", f"{newest} > {max(searches)}"))
    return True


def still_offered(machine: Machine, rows: list[Update], notes: list[Problem]) -> list[Update]:
    """The updates without the release of macOS that runs by now. A security update bears the version of the release it
    mends: it stays."""
    try:
        running = plist.text(plist.read(machine, os_version.PATH), "ProductVersion")
        if running is None:
            raise CannotRead("not_understood", os_version.PATH)
    except CannotRead as error:
        notes.append(error.problem())
        return rows
    named = [(row, row.name or "") for row in rows]
    return [
        row
        for row, name in named
        if row.available != running or SECURITY.match(name) or not update_status.OF_SYSTEM.match(name)
    ]
