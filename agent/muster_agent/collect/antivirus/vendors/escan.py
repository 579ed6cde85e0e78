"""eScan for Linux: ``escan --version``. It does not tell how old its signatures are."""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told, output, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version",)
PROGRAMS = ("/usr/bin/escan", "/opt/MicroWorld/bin/escan")
VERSION = re.compile(r"^MicroWorld eScan For Linux Version\s*:\s*([0-9][0-9A-Za-z.-]{0,40})\s*$", re.IGNORECASE)


def parse(text: str) -> Told:
    """The product's version; those of its parts stand beside it."""
    for line in text.splitlines():
        found = VERSION.match(line[:200])
        if found:
            return Told(version=version_in(found.group(1)), basis=("asked:escan",))
    raise CannotRead("not_understood", "escan --version")


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return parse(output(machine, PROGRAMS, "--version"))
