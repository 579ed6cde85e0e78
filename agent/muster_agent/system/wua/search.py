"""What the Windows Update Agent's offline search found: pending updates, and how old that knowledge is.

Asked through the one PowerShell process of a run (local/windows/powershell.py); its answer is ``updates`` in that
process's.
"""

from __future__ import annotations

import re
from typing import Any, Dict

from muster_agent.machine import CannotRead, Machine
from muster_agent.system import registry_key
from muster_agent.system.current_version import WINDOWS_10, CurrentVersion

SUCCEEDED, SUCCEEDED_WITH_ERRORS = 2, 3  # OperationResultCode (wuapi.h)
MOMENT = re.compile(r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")
# Windows 7 and 8 keep the date here too, in UTC; a Windows 10 upgraded from one may still hold the old date.
DETECT = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\Results\Detect"
DETECTED = re.compile(r"^(20[0-9]{2}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})$")

Answer = Dict[str, Any]


def never_searched() -> CannotRead:
    """No search ever succeeded, so that nothing pending would only mean that nothing was heard of."""
    return CannotRead("never_searched", "Windows Update", "stale")


def answer(machine: Machine) -> Answer:
    """The answer of the agent. Raises :class:`CannotRead`, ``update_search_failed`` when the search itself failed."""
    said = machine.api("PowerShell")
    updates = said.get("updates") if isinstance(said, dict) else None
    if not isinstance(updates, dict):
        raise CannotRead("not_understood", "PowerShell: updates")
    if "error" in updates:
        raise CannotRead("update_search_failed", str(updates["error"])[:200])
    return updates


def last_search(updates: Answer) -> str | None:
    """When a search for updates last succeeded; None when none ever did (Windows then answers a date of 1899)."""
    said = updates.get("last_search")
    return said if isinstance(said, str) and MOMENT.match(said) else None


def metadata_date(machine: Machine, version: CurrentVersion) -> str:
    """When the PC last learned what updates there are. Raises ``never_searched``."""
    if version.build >= WINDOWS_10:
        date = last_search(answer(machine))
    else:
        found = DETECTED.match(registry_key.optional(machine, DETECT).text("LastSuccessTime") or "")
        date = f"{found.group(1)}T{found.group(2)}Z" if found else None
    if date is None:
        raise never_searched()
    return date
