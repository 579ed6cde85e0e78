"""Accounts of macOS as ``dscl . -readall`` prints them (dscl(1)): records of attributes, between lines with a hyphen.

A value stands behind the attribute's name; one with blanks stands indented on lines of its own, and so do several.
"""

from __future__ import annotations

import re
from typing import Dict, List

from muster_agent.machine import CannotRead, Machine, program_failed

DSCL = "/usr/bin/dscl"
ATTRIBUTE = re.compile(r"^(?:dsAttrTypeNative:)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*):(?P<rest>.*)$")

Record = Dict[str, List[str]]


def parse(said: str) -> list[Record]:
    """The records. Raises ``not_understood`` for a line that is neither an attribute, a value, nor the mark between."""
    records: list[Record] = []
    record: Record = {}
    values: list[str] | None = None
    for line in [*said.split("\n"), "-"]:
        if line == "-":
            if record:
                records.append(record)
            record, values = {}, None
        elif line.startswith(" ") and values is not None:
            values.append(line[1:])
        elif line.strip():
            found = ATTRIBUTE.match(line)
            if found is None:
                raise CannotRead("not_understood", f"{DSCL}: {line.strip()[:80]}")
            values = record.setdefault(found.group("name"), [])
            values += found.group("rest").split()
    return records


def read(machine: Machine, folder: str, *attributes: str) -> list[Record]:
    """The records of ``/Users`` or ``/Groups``. Raises :class:`CannotRead`."""
    argv = [DSCL, ".", "-readall", folder, *attributes]
    output = machine.run(argv)
    if output.status != 0:
        raise program_failed(argv, output.status, output.stderr)
    return parse(output.stdout.decode("utf-8", "replace"))


def first(record: Record, name: str) -> str | None:
    """The first value of an attribute; None when it has none."""
    values = record.get(name) or [""]
    return values[0].strip() or None
