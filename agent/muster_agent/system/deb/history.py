"""When a package was last upgraded, by the logs of apt and dpkg."""

from __future__ import annotations

import re
from typing import Iterator

from muster_agent.machine import Machine
from muster_agent.system import rotated_log

APT_FOLDER, DPKG_FOLDER = "/var/log/apt", "/var/log"
# A block of apt's history with an Upgrade line in it. Local time: only the day is certain.
UPGRADE = re.compile(r"^Upgrade: ", re.MULTILINE)
END = re.compile(r"^End-Date: ([0-9]{4}-[0-9]{2}-[0-9]{2})", re.MULTILINE)
START = re.compile(r"^Start-Date: ([0-9]{4}-[0-9]{2}-[0-9]{2})", re.MULTILINE)
DPKG_UPGRADE = re.compile(r"^([0-9]{4}-[0-9]{2}-[0-9]{2}) [0-9:]+ upgrade \S+ (\S+) (\S+)$", re.MULTILINE)


def last_in_apt_history(text: str) -> str | None:
    """The day of the last upgrade in the text of a history.log."""
    days = []
    for block in text.split("\n\n"):
        day = END.search(block) or START.search(block)
        if day and UPGRADE.search(block):
            days.append(day.group(1))
    return max(days, default=None)


def last_in_dpkg_log(text: str) -> str | None:
    """The day of the last upgrade in the text of a dpkg.log; a version put over itself is a repair, no upgrade."""
    return max((day for day, old, new in DPKG_UPGRADE.findall(text) if old != new), default=None)


def _newest_first(machine: Machine, folder: str, log: str) -> Iterator[str]:
    """The texts of a log and its rotations: history.log, history.log.1.gz, …"""
    numbered = []
    for name in machine.names(folder):
        found = re.match(re.escape(log) + r"(?:\.([0-9]{1,4})(?:\.gz)?)?$", name)
        if found:
            numbered.append((int(found.group(1) or 0), name))
    for _, name in sorted(numbered):
        yield rotated_log.text(machine, f"{folder}/{name}")


def last_upgrade(machine: Machine) -> str | None:
    """The day of the last upgrade, or None when no log tells of one. Raises :class:`CannotRead`."""
    for folder, log, last in (
        (APT_FOLDER, "history.log", last_in_apt_history),
        (DPKG_FOLDER, "dpkg.log", last_in_dpkg_log),
    ):
        for text in _newest_first(machine, folder, log):
            day = last(text)
            if day:
                return day
    return None
