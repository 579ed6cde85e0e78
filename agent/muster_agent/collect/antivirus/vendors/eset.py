"""ESET Endpoint Antivirus on Linux: ``upd -version`` and ``upd --list-modules``.

``lic --status`` tells the licence, for which there is no column.
"""

from __future__ import annotations

import re
from typing import Sequence

from muster_agent.collect.antivirus.vendors import Told, day_in, output, together, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "signatures_version", "signatures_date")
PROGRAMS = ("/opt/eset/eea/bin/upd", "/opt/eset/efs/bin/upd")
# /opt/eset/eea/bin/upd (eea) 12.0.13.0
VERSION = re.compile(r"\([a-z_]{2,20}\) ([0-9][0-9.]{2,40})\s*$")
# EM002     31832 (20250909)     Detection engine
MODULE = re.compile(r"^EM002\s+([0-9][0-9.]{0,20}) +\(([0-9]{8})\)(?:\s|$)")


def parse_version(text: str) -> Told:
    """The line ``upd -version`` prints."""
    for line in text.splitlines():
        found = VERSION.search(line[-120:])
        if found:
            return Told(version=version_in(found.group(1)), basis=("asked:upd",))
    raise CannotRead("not_understood", "upd -version")


def parse_modules(text: str) -> Told:
    """The list of ``upd --list-modules``: EM002 is the detection engine, the others are not signatures."""
    for line in text.splitlines():
        found = MODULE.match(line[:200])
        if found:
            version = f"{found.group(1)} ({found.group(2)})"
            return Told(signatures_version=version, signatures_date=day_in(found.group(2)), basis=("asked:upd",))
    raise CannotRead("not_understood", "upd --list-modules")


def asked(machine: Machine, programs: Sequence[str]) -> Told:
    """What ``upd`` at one of ``programs`` says."""
    return together(
        (lambda: parse_version(output(machine, programs, "-version")), ("version",)),
        (
            lambda: parse_modules(output(machine, programs, "--list-modules")),
            ("signatures_version", "signatures_date"),
        ),
    )


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return asked(machine, PROGRAMS)
