"""The last start on Linux, from /proc."""

from __future__ import annotations

import re
import time

from muster_agent.facts import Boot, Problem, Table
from muster_agent.machine import CannotRead, Machine

BOOT_ID = "/proc/sys/kernel/random/boot_id"
STEP = 60  # seconds


def boot_time(text: str) -> str:
    """The start in the text of /proc/stat, to the minute. Raises :class:`CannotRead` when it does not state one.

    The kernel computes btime as "now" less the time since the start, so every correction of the clock (NTP's first
    step after the start, a resumed virtual machine) moves it, usually by less than a second. To the nearest minute it
    stays where it is; only a correction across the edge between two minutes moves it, once.
    """
    found = re.search(r"^btime ([0-9]{1,10})$", text, re.MULTILINE)
    if not found:
        raise CannotRead("not_understood", "/proc/stat")
    seconds = (int(found.group(1)) + STEP // 2) // STEP * STEP
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def collect(machine: Machine) -> Table:
    """The identifier and the time of the last start."""
    notes: list[Problem] = []
    boot_id = None
    try:
        boot_id = machine.text(BOOT_ID).strip() or None
        if boot_id is None:
            raise CannotRead("not_understood", BOOT_ID)
    except CannotRead as error:
        notes.append(error.problem("boot_id"))
    return Table(rows=(Boot(boot_id, boot_time(machine.text("/proc/stat"))),), notes=tuple(notes))
