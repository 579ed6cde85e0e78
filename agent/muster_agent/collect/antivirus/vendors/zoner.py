"""Zoner AntiVirus: ``zavcli --version-zavd``. The age of its database is told in days and hours and not as a date:
it is another one with every look, so it is no fact of an unchanged PC, and the date stays unknown."""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told, output, pairs, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "signatures_version")
PROGRAMS = ("/usr/bin/zavcli", "/opt/zav/bin/zavcli")
CLIENT = re.compile(r"^zavcli \([A-Za-z ]{0,60}\) ([0-9][0-9.]{0,30})\s*$")


def parse(text: str) -> Told:
    """What the daemon says of itself, or the client's own line (``zavcli --version``)."""
    found = pairs(text)
    version, database = version_in(found.get("ZAVd version")), version_in(found.get("ZAVDB version"))
    if version is None and database is None:
        client = next((match for match in (CLIENT.match(line[:200]) for line in text.splitlines()) if match), None)
        if client is None:
            raise CannotRead("not_understood", "zavcli --version-zavd")
        version = version_in(client.group(1))
    return Told(version=version, signatures_version=database, basis=("asked:zavcli",))


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return parse(output(machine, PROGRAMS, "--version-zavd"))
