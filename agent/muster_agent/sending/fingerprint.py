"""Which machine this is: fingerprint.json in the agent's folder holds what identified the PC when it enrolled.

A disk that is copied takes the PC's key along. So each run compares what the machine says now with what it said then:

machine   the system's own id: /etc/machine-id, MachineGuid; macOS has none beside the hardware's
uuid      of the hardware, by its firmware (on macOS IOPlatformUUID)
serial    of the hardware

It is another machine when two of them differ, or when the only ones that are known then and now differ: one that
agrees beside one that differs is a repair or a renewed id, and the identity stays. Where a single value is known
(firmware that nobody filled in) nothing speaks for the same machine once it differs, and a renewed machine-id is just
what tools that copy disks leave behind; to ask an administrator for a token then costs less than two PCs under one
name. A copy that this does not see, the server does, by the chain of reports (security.md §2.4).

Only digests are kept. Values that are placeholders, or that this user may not read, are not known.
"""

from __future__ import annotations

import json
import re
from typing import Mapping

from muster_agent.canonical import digest
from muster_agent.collect import collect_table
from muster_agent.machine import CannotRead, Machine
from muster_agent.sending.home import Home, write_durably
from muster_agent.system import registry_key
from muster_agent.system.placeholder import PLACEHOLDER

FILE = "fingerprint.json"
NAMES = ("machine", "uuid", "serial")
MACHINE_ID = "/etc/machine-id"
MACHINE_GUID = r"HKLM\SOFTWARE\Microsoft\Cryptography"
LIMIT = 4096  # bytes

_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def read(machine: Machine) -> dict[str, str]:
    """What identifies the machine, by :data:`NAMES`; what is not known is left out."""
    rows = collect_table(machine, "system_info").rows
    said = {"machine": system_id(machine)}
    if rows:
        said.update(uuid=rows[0].uuid, serial=rows[0].hardware_serial)
    found = {name: (value or "").strip().lower() for name, value in said.items()}
    return {
        name: digest(f"{name}\n{value}".encode("utf-8", "replace"))
        for name, value in found.items()
        if not PLACEHOLDER.match(value)
    }


def system_id(machine: Machine) -> str | None:
    """The system's own id; None where it has none."""
    try:
        if machine.platform == "windows":
            said = registry_key.optional(machine, MACHINE_GUID).text("MachineGuid") or ""
        elif machine.platform == "linux":
            said = machine.optional_text(MACHINE_ID, LIMIT)
        else:
            return None
    except CannotRead:
        return None
    said = said.strip().lower()
    return said if _ID.fullmatch(said) else None


def differing(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What says that this is another machine; empty when it is the same, or when nothing can be compared."""
    both = [name for name in NAMES if name in then and name in now]
    different = [name for name in both if then[name] != now[name]]
    return different if len(different) >= 2 or (different and len(different) == len(both)) else []


def load(home: Home) -> dict[str, str]:
    """What is kept. A file that is lost or damaged is none: the server still notices a copy, and a PC that could not
    report for a broken file would not be noticed at all."""
    try:
        with open(str(home.path / FILE), "rb") as file:
            found = json.loads(file.read(LIMIT).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or not set(found) <= set(NAMES):
        return {}
    good = all(isinstance(value, str) and _DIGEST.fullmatch(value) for value in found.values())
    return found if good else {}


def remember(home: Home, now: Mapping[str, str]) -> None:
    """Keep what identifies the machine; what is not known now stays as it was. Raises ``OSError``."""
    before = load(home)
    after = {**before, **now}
    if after != before:
        write_durably(home.path / FILE, json.dumps(after, indent=1, sort_keys=True).encode("ascii"))
