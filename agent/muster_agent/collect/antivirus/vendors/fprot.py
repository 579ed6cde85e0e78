"""F-PROT: ``fpscan --version``. The product has not been updated since 2021; what is left of it says so by its date."""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told, day_in, output, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "signatures_version", "signatures_date")
PROGRAMS = ("/opt/f-prot/fpscan", "/usr/local/bin/fpscan")
VERSION = re.compile(r"^F-PROT Antivirus \S{1,20} version ([0-9][0-9.]{0,30})")
SIGNATURES = re.compile(r"^Virus signatures:\s+([0-9]{12})\s*$")  # year, month, day, hour, minute


def parse(text: str) -> Told:
    """Its version and that of its signatures."""
    lines = [line[:200] for line in text.splitlines()]
    version = next((found.group(1) for found in map(VERSION.match, lines) if found), None)
    signatures = next((found.group(1) for found in map(SIGNATURES.match, lines) if found), None)
    if version is None and signatures is None:
        raise CannotRead("not_understood", "fpscan --version")
    return Told(
        version=version_in(version),
        signatures_version=signatures,
        signatures_date=day_in(f"{signatures[:4]}-{signatures[4:6]}-{signatures[6:8]}") if signatures else None,
        basis=("asked:fpscan",),
    )


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return parse(output(machine, PROGRAMS, "--version"))
