"""SentinelOne on macOS: ``sentinelctl version`` and ``sentinelctl status``. Some versions answer root only."""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told, day, output, pairs, together, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "realtime", "signatures_version", "signatures_date")
PROGRAMS = ("/Library/Sentinel/sentinel-agent.bundle/Contents/MacOS/sentinelctl", "/usr/local/bin/sentinelctl")
# The version of an asset is a 1 and the moment it was made: 1 2024 04 30 13 39 40.
ASSET = re.compile(r"versioned \((?P<it>1([0-9]{4})([0-9]{2})([0-9]{2})[0-9]{6})\)")
SWITCH = {"enabled": True, "disabled": False}


def parse_version(text: str) -> Told:
    """``SentinelOne 24.1.2.7444``."""
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0].startswith("SentinelOne") and version_in(words[-1]):
            return Told(version=words[-1], basis=("asked:sentinelctl",))
    raise CannotRead("not_understood", "sentinelctl version")


def parse_status(text: str) -> Told:
    """The tree ``sentinelctl status`` prints. "Protection" is what checks files; the version of
    its static signatures tells the day they were made; when they were put in would make old ones look new."""
    found = pairs(text)
    protection = SWITCH.get(found.get("Protection", "").lower())
    if protection is None and not version_in(found.get("Version")):
        raise CannotRead("not_understood", "sentinelctl status")
    made = ASSET.search(found.get("staticSignatures", ""))
    return Told(
        version=version_in(found.get("Version")),
        realtime=protection,
        signatures_version=made["it"] if made else None,
        signatures_date=day(int(made[2]), int(made[3]), int(made[4])) if made else None,
        basis=("asked:sentinelctl",),
    )


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return together(
        (lambda: parse_version(output(machine, PROGRAMS, "version")), ("version",)),
        (
            lambda: parse_status(output(machine, PROGRAMS, "status")),
            ("realtime", "signatures_version", "signatures_date"),
        ),
    )
