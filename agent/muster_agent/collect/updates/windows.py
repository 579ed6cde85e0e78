"""Pending updates on Windows: what the Windows Update Agent found missing, without asking the network."""

from __future__ import annotations

import re
from typing import Any

from muster_agent.facts import Problem, Table, Update
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.wua import search

# The classification Security Updates (WSUS, UpdateClassification). Critical Updates are not meant: by Microsoft's
# definition (KB824684) each of them mends "a critical, non-security-related bug".
SECURITY_UPDATES = "0fa1201d-4330-4fa8-8ae9-b877473b6441"
KB = re.compile(r"^(?:KB)?([0-9]{5,8})$", re.IGNORECASE)


def row(said: Any) -> Update:
    """One pending update. Raises ``not_understood``."""
    if not isinstance(said, dict) or not isinstance(said.get("title"), str):
        raise CannotRead("not_understood", "PowerShell: pending")
    severity = str(said.get("severity") or "")
    categories = [str(entry.get("id")).lower() for entry in said.get("categories") or () if isinstance(entry, dict)]
    numbers = [found.group(1) for found in map(KB.match, map(str, said.get("kbs") or ())) if found]
    return Update(
        name=said["title"],
        # A severity is only ever stated for a fault of security (MSRC is Microsoft's security response centre).
        security=bool(severity) or SECURITY_UPDATES in categories,
        kb="KB" + numbers[0] if numbers else None,
        severity=severity or None,
    )


def collect(machine: Machine) -> Table:
    """The updates on offer that are not installed.

    Nothing pending on a PC that never searched is no answer. How old the last search is stands in
    ``update_status.metadata_date``, by which the policy decides whether to believe it.
    """
    updates = search.answer(machine)
    result = updates.get("result_code")
    if result not in (search.SUCCEEDED, search.SUCCEEDED_WITH_ERRORS):
        raise CannotRead("update_search_failed", f"OperationResultCode {result}")
    pending = updates.get("pending")
    if not isinstance(pending, list):
        raise CannotRead("not_understood", "PowerShell: pending")
    notes: list[Problem] = []
    if result == search.SUCCEEDED_WITH_ERRORS:
        notes.append(Problem("error", "update_search_incomplete", f"OperationResultCode {result}"))
    if search.last_search(updates) is None:
        if not pending:
            raise search.never_searched()
        notes.append(search.never_searched().problem())
    rows = {row(said) for said in pending}
    return Table(rows=tuple(sorted(rows, key=lambda row: (row.name or "", row.kb or ""))), notes=tuple(notes))
