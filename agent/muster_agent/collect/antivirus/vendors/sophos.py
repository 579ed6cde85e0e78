"""Sophos Anti-Virus for Linux 9: ``savscan --version``. Sophos Protection for Linux has no program for this.

"Released" is the day of the monthly data; identities of every day are put in between, so it says nothing of freshness.
"""

from __future__ import annotations

from muster_agent.collect.antivirus.vendors import Told, output, pairs, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "signatures_version")
PROGRAMS = ("/opt/sophos-av/bin/savscan", "/usr/local/bin/savscan")


def parse(text: str) -> Told:
    """What it prints of its parts."""
    found = pairs(text)
    version, signatures = version_in(found.get("Product version")), version_in(found.get("Virus data version"))
    if version is None or signatures is None:
        raise CannotRead("not_understood", "savscan --version")
    return Told(version=version, signatures_version=signatures, basis=("asked:savscan",))


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return parse(output(machine, PROGRAMS, "--version"))
