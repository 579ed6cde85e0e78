"""奇安信网神 on Linux: no file is known to tell the age of its signatures, so the newest one in a folder that is
named after them stands for it. An estimate.

Only such folders count: logs and settings of a running product are always of today, and would make it always fresh.
"""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.filetime import moment_of_seconds

ANSWERS = ("signatures_date",)
ROOTS = ("/opt/qaxsafe", "/opt/apps/com.qianxin.qaxsafe/files")
SIGNATURES = re.compile(
    r"^(?:.*[_-])?(?:virus|vdb|sigs?|signatures?|avdb|avlib|viruslib|virusdb|libvirus|plugins)(?:[_-].*)?$",
    re.IGNORECASE,
)
CHANGING = re.compile(r"\.(?:log|tmp|pid|sock|lock|conf|cfg|ini|json|xml|db-wal|db-shm|db-journal)$|~$", re.IGNORECASE)
DEPTH, FOLDERS, FILES = 3, 60, 400  # how far and how much is looked at


def _folders(machine: Machine, root: str) -> list[str]:
    """The folders of signatures below ``root``, within the limits."""
    found, waiting, seen = [], [(root, 0)], 0
    while waiting and seen < FOLDERS:
        folder, depth = waiting.pop(0)
        seen += 1
        for name in machine.names(folder):
            path = f"{folder}/{name}"
            if "." in name or name.lower() in ("log", "logs", "tmp", "cache", "run", "quarantine"):
                continue
            if SIGNATURES.match(name):
                found.append(path)
            elif depth < DEPTH:
                waiting.append((path, depth + 1))
    return found


def ask(machine: Machine) -> Told:
    """Look at them. Raises :class:`CannotRead` when there is no folder of signatures, or none may be looked into."""
    newest: tuple[int, str] | None = None
    looked = 0
    for root in ROOTS:
        for folder in _folders(machine, root):
            for name in machine.names(folder)[: FILES - looked]:
                looked += 1
                if CHANGING.search(name):
                    continue
                path = f"{folder}/{name}"
                try:
                    time = machine.stat(path).mtime
                except CannotRead:
                    continue
                if newest is None or (time, path) > newest:
                    newest = (time, path)
    if newest is None:
        raise NotFound(ROOTS[0] + ": signatures")
    return Told(signatures_date=moment_of_seconds(newest[0], newest[1]), basis=(f"estimated:{newest[1]}",))
