"""F-Secure Linux Security (``fsav --version``) and WithSecure on macOS (``wsav --version``)."""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told, day_in, output, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "signatures_version", "signatures_date")
PROGRAMS = ("/opt/f-secure/fssp/bin/fsav", "/opt/f-secure/fsav/bin/fsav", "/usr/bin/fsav", "/usr/local/bin/wsav")
# F-Secure Linux Security version 11.10 build 68; WithSecure ClientSecurity version 16.02. The lines of its parts, which
# name a command line client, a daemon or an engine, are not the product's.
PRODUCT = re.compile(
    r"^(?:F-Secure|WithSecure)\S{0,3} [A-Za-z ]{0,60}Security version ([0-9][0-9.]{0,30}(?: build [0-9]{1,9})?)\s*$"
)
DATABASE = re.compile(r"^Database version:\s*([0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{1,6})\s*$")


def parse(text: str) -> Told:
    """The product's own version and that of its databases, which is the day they were made."""
    lines = [line[:200] for line in text.splitlines()]
    version = next((found.group(1) for found in map(PRODUCT.match, lines) if found), None)
    database = next((found.group(1) for found in map(DATABASE.match, lines) if found), None)
    if version is None and database is None:
        raise CannotRead("not_understood", "fsav --version")
    return Told(
        version=version_in(version),
        signatures_version=database,
        signatures_date=day_in(database) if database else None,
        basis=("asked:fsav",),
    )


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return parse(output(machine, PROGRAMS, "--version"))
