"""FileVault on macOS: ``fdesetup status``, which any user may ask."""

from __future__ import annotations

import re

from muster_agent.facts import DiskEncryption, Table
from muster_agent.machine import CannotRead, Machine, program_failed

STATUS = ["/usr/bin/fdesetup", "status"]
STATE = re.compile(r"^FileVault is (On|Off)\b", re.MULTILINE)
UNDER_WAY = re.compile(r"^(Encryption|Decryption) in progress\b", re.MULTILINE)


def parse(said: str) -> str:
    """Where encryption stands, in the words of the column. Raises ``not_understood``.

    FileVault counts as on from the moment it was asked for; until all is encrypted a second line says so.
    """
    under_way = UNDER_WAY.search(said)
    if under_way:
        return "encrypting" if under_way.group(1) == "Encryption" else "decrypting"
    state = STATE.search(said)
    if state is None:
        raise CannotRead("not_understood", " ".join(STATUS))
    return "encrypted" if state.group(1) == "On" else "not encrypted"


def collect(machine: Machine) -> Table:
    """The one volume of the system: its data belongs to it and is encrypted with it."""
    output = machine.run(STATUS)
    if output.status != 0 and not output.stdout:
        raise program_failed(STATUS, output.status, output.stderr)
    status = parse(output.stdout.decode("utf-8", "replace"))
    encrypted = status == "encrypted"
    kind = None if status == "not encrypted" else "FileVault"
    row = DiskEncryption(name="/", mount="/", system=True, encrypted=encrypted, type=kind, encryption_status=status)
    return Table(rows=(row,))
