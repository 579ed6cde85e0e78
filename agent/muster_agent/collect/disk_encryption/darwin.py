"""FileVault on macOS: ``fdesetup status``, which any user may ask."""

from __future__ import annotations

import re

from muster_agent.facts import DiskEncryption, Problem, Table
from muster_agent.machine import CannotRead, Machine, program_failed

STATUS = ["/usr/bin/fdesetup", "status"]
# On with anything behind it is on its way to something else; Off is off, whatever is to come.
STATE = re.compile(r"^FileVault is (?:(On)\.$|(Off)\b)")
UNDER_WAY = re.compile(r"^(Encryption|Decryption) in progress\b")
# Said beside the state, and nothing of how far encryption is.
BESIDE = re.compile(r"^(Deferred enablement appears to be active|FileVault master keychain appears to be installed)\b")
UNDEFINED = "undefined"


def parse(said: str) -> tuple[str, str]:
    """(where encryption stands in the words of the column, the line that leaves it undefined). Raises
    ``not_understood`` for what says nothing of FileVault.

    FileVault counts as on from the moment it was asked for; until all is encrypted a second line says so. A line
    nobody foresaw may say just that.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not any(line.startswith("FileVault is ") for line in lines):
        raise CannotRead("not_understood", " ".join(STATUS))
    status = under = ""
    for line in lines:
        state, under_way = STATE.match(line), UNDER_WAY.match(line)
        if under_way:
            under = "encrypting" if under_way.group(1) == "Encryption" else "decrypting"
        elif state:
            status = "encrypted" if state.group(1) else "not encrypted"
        elif not BESIDE.match(line):
            return UNDEFINED, line[:200]
    return under or status, ""


def collect(machine: Machine) -> Table:
    """The one volume of the system: its data belongs to it and is encrypted with it."""
    output = machine.run(STATUS)
    if output.status != 0 and not output.stdout:
        raise program_failed(STATUS, output.status, output.stderr)
    status, line = parse(output.stdout.decode("utf-8", "replace"))
    encrypted = None if status == UNDEFINED else status == "encrypted"
    kind = None if status in ("not encrypted", UNDEFINED) else "FileVault"
    notes: tuple[Problem, ...] = ()
    if status == UNDEFINED:
        notes = (CannotRead("not_understood", f"{' '.join(STATUS)}: {line}").problem("encrypted"),)
    row = DiskEncryption(name="/", mount="/", system=True, encrypted=encrypted, type=kind, encryption_status=status)
    return Table(rows=(row,), notes=notes)
