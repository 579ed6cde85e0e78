"""Whether a restart is needed to finish an update: the two keys that Windows's servicing keeps for it.

PendingFileRenameOperations is no sign of it: installers of programs leave entries there for months.
"""

from __future__ import annotations

from muster_agent.machine import CannotRead, Machine, NotFound

KEYS = {
    "Component Based Servicing": (
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending"
    ),
    "Windows Update": r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
}


def needed(machine: Machine) -> tuple[bool, str | None]:
    """(a restart is needed, who says so). Raises :class:`CannotRead` when neither says so and one was not readable."""
    waiting, failures = [], []
    for name, key in KEYS.items():
        try:
            machine.registry_values(key)
            waiting.append(name)
        except NotFound:
            continue
        except CannotRead as error:
            failures.append(error)
    if not waiting and failures:
        raise failures[0]
    return bool(waiting), ", ".join(waiting) or None
