"""ESET on macOS: ``upd`` as on Linux, and the state of its file protection in the settings it keeps."""

from __future__ import annotations

import json
from typing import Any

from muster_agent.collect.antivirus.vendors import Told, eset, together
from muster_agent.machine import CannotRead, Machine

ANSWERS = (*eset.ANSWERS, "realtime")
APPS = ("ESET Endpoint Security", "ESET Endpoint Antivirus", "ESET Cyber Security", "ESET Cyber Security Pro")
PROGRAMS = tuple(f"/Applications/{app}.app/Contents/MacOS/upd" for app in APPS)
SETTINGS = "/Library/Application Support/ESET/Security/var/confd/settings.json"
LIMIT = 4 * 1024 * 1024


def _active(status: Any, name: str) -> bool | None:
    entry = status.get(name) if isinstance(status, dict) else None
    active = entry.get("Active") if isinstance(entry, dict) else None
    value = active.get("ce_val") if isinstance(active, dict) else None
    return {0: False, 1: True}.get(value) if isinstance(value, int) else None


def parse_settings(data: bytes) -> Told:
    """Whether the file protection (RTFS) is switched on, and works."""
    try:
        found = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CannotRead("not_understood", SETTINGS) from error
    state = found.get("State") if isinstance(found, dict) else None
    status = state.get("ProtectionStatus") if isinstance(state, dict) else None
    enabled, working = _active(status, "RTFSEnabled"), _active(status, "RTFSWorking")
    if enabled is None:
        raise CannotRead("not_understood", SETTINGS)
    return Told(realtime=False if working is False else enabled, basis=("settings:RTFSEnabled",))


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return together(
        (lambda: eset.asked(machine, PROGRAMS), eset.ANSWERS),
        (lambda: parse_settings(machine.read(SETTINGS, LIMIT)), ("realtime",)),
    )
