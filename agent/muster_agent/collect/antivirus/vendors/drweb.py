"""Dr.Web for Linux: ``drweb-ctl --version`` and ``drweb-ctl baseinfo``."""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import MONTHS, Told, day, output, pairs, together, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "signatures_version", "signatures_date")
PROGRAMS = ("/opt/drweb.com/bin/drweb-ctl", "/usr/bin/drweb-ctl")
VERSION = re.compile(r"^drweb-ctl ([0-9][0-9.]{0,40})\s*$")
DATE = re.compile(r"([0-9]{4})-([A-Z][a-z]{2})-([0-9]{2}) [0-9:]{8}")  # 2020-Aug-11 18:40:16
TIMESTAMP = "Virus database timestamp"


def parse_version(text: str) -> Told:
    """``drweb-ctl 11.1.2.1907091642``."""
    for line in text.splitlines():
        found = VERSION.match(line[:100])
        if found:
            return Told(version=version_in(found.group(1)), basis=("asked:drweb-ctl",))
    raise CannotRead("not_understood", "drweb-ctl --version")


def parse_bases(text: str) -> Told:
    """When its databases were made, which is also how they are told apart."""
    found = pairs(text)
    stamp = found.get(TIMESTAMP, "")
    date = DATE.fullmatch(stamp)
    if date is None or date.group(2).lower() not in MONTHS:
        raise CannotRead("not_understood", "drweb-ctl baseinfo")
    return Told(
        signatures_version=stamp,
        signatures_date=day(int(date.group(1)), MONTHS.index(date.group(2).lower()) + 1, int(date.group(3))),
        basis=("asked:drweb-ctl",),
    )


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return together(
        (lambda: parse_version(output(machine, PROGRAMS, "--version")), ("version",)),
        (lambda: parse_bases(output(machine, PROGRAMS, "baseinfo")), ("signatures_version", "signatures_date")),
    )
