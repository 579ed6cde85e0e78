"""Avast for Linux: its scanner tells its version (``scan -v``) and that of its signatures (``scan -V``).

The scanner's name is anybody's, so it is asked where Avast keeps it and only when Avast is there.
"""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told, day, output, together, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "signatures_version", "signatures_date")
PROGRAMS = ("/usr/bin/scan", "/bin/scan")
# VPS 19051006: year, month, day, and the number of the edition of that day.
VPS = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})[0-9]{2}")
VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6}){1,4}")


def _only_line(text: str, question: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise CannotRead("not_understood", question)
    return lines[0]


def parse_version(text: str) -> Told:
    """``3.0.0``."""
    line = _only_line(text, "scan -v")
    if not VERSION.fullmatch(line):
        raise CannotRead("not_understood", "scan -v")
    return Told(version=version_in(line), basis=("asked:scan",))


def parse_vps(text: str) -> Told:
    """``19051006``."""
    line = _only_line(text, "scan -V")
    found = VPS.fullmatch(line)
    built = day(2000 + int(found.group(1)), int(found.group(2)), int(found.group(3))) if found else None
    if built is None:
        raise CannotRead("not_understood", "scan -V")
    return Told(signatures_version=line, signatures_date=built, basis=("asked:scan",))


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return together(
        (lambda: parse_version(output(machine, PROGRAMS, "-v")), ("version",)),
        (lambda: parse_vps(output(machine, PROGRAMS, "-V")), ("signatures_version", "signatures_date")),
    )
