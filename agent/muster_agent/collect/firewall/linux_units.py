"""Whether a unit of systemd is active, also one whose program has done its work and ended, as those that load rules."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import programs

# systemd (234 and later) keeps a link here for every unit it has started and not stopped; anybody may list them.
FOLDER, MARK = "/run/systemd/units", "invocation:"
BOOTED = "/run/systemd/system"  # sd_booted(3)
ACTIVE = re.compile(r"^[ \t]*Active:[ \t]*([a-z-]+)\b", re.MULTILINE)
WORDS = ("active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "refreshing")


def status(text: str) -> bool:
    """Whether the unit is active, by what ``systemctl status`` printed. Raises :class:`CannotRead`: a systemctl that
    cannot answer says nothing about the unit."""
    found = ACTIVE.search(text)
    if found is None or found.group(1) not in WORDS:
        raise CannotRead("not_understood", f"systemctl: {text.strip()[:80]}")
    return found.group(1) in ("active", "reloading", "refreshing")


def active(machine: Machine, unit: str) -> bool:
    """Whether ``unit`` is active. Raises :class:`CannotRead` where nothing tells."""
    names = machine.names(FOLDER)
    if any(name.startswith(MARK) for name in names):
        return MARK + unit in names
    if not machine.exists(BOOTED):
        raise NotFound(BOOTED)
    output = programs.run(machine, "systemctl", "status", "--no-pager", "--lines=0", unit)
    # systemctl(1): 4 is "no such unit".
    if output.status == 4 and not output.stdout.strip():
        return False
    return status(output.stdout.decode("utf-8", "replace"))
