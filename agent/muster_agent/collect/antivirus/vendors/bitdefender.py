"""Bitdefender Endpoint Security Tools on Linux: ``bduitool get ps``, the product's status."""

from __future__ import annotations

import calendar
import re
import time

from muster_agent.collect.antivirus.vendors import Told, output, pairs, version_in
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.filetime import moment_of_seconds

ANSWERS = ("version", "realtime", "signatures_version", "signatures_date", "signatures_current")
PROGRAMS = ("/opt/bitdefender-security-tools/bin/bduitool",)
# 2023-08-24 at 11:44:37 GMT+2
UPDATED = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}) at ([0-9]{2}:[0-9]{2}:[0-9]{2}) (?:GMT|UTC)(?:([+-])([0-9]{1,2})(?::?([0-9]{2}))?)?"
)
SWITCH = {"on": True, "off": False}


def moment(said: str) -> str | None:
    """The moment in UTC of ``2023-08-24 at 11:44:37 GMT+2``; None for another form or an impossible one."""
    found = UPDATED.fullmatch(said)
    if found is None:
        return None
    try:
        local = calendar.timegm(time.strptime(f"{found.group(1)} {found.group(2)}", "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        return None
    ahead = int(found.group(4) or 0) * 3600 + int(found.group(5) or 0) * 60
    try:
        return moment_of_seconds(local - ahead if found.group(3) == "+" else local + ahead, said)
    except CannotRead:
        return None


def parse(text: str) -> Told:
    """What it says of itself. "Antimalware status" is its check of files as they are opened."""
    found = pairs(text)
    if "Product version" not in found or "Engines version" not in found:
        raise CannotRead("not_understood", "bduitool get ps")
    newer = {"no": True, "yes": False}.get(found.get("New security content available", "").lower())
    return Told(
        version=version_in(found["Product version"]),
        realtime=SWITCH.get(found.get("Antimalware status", "").lower()),
        signatures_version=version_in(found["Engines version"]),
        signatures_date=moment(found.get("Last security content update", "")),
        signatures_current=newer,
        basis=("asked:bduitool",),
    )


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return parse(output(machine, PROGRAMS, "get", "ps"))
