r"""Whether an unattended screen locks itself on Windows: a limit for the whole PC, or each user's screen saver.

Users are seen whose part of the registry is loaded, which is so while they are logged in; the weakest decides. A PC
that goes to sleep is not counted as locked: a download or a call keeps it awake.
"""

from __future__ import annotations

import re
from typing import Any

from muster_agent.machine import CannotRead, Machine
from muster_agent.system import current_version
from muster_agent.system.registry_setting import WINDOWS_8, number, place

SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
LIMIT = "InactivityTimeoutSecs"
USERS = "HKU"
# People: accounts of this PC or a domain, and of Entra ID. _Classes is a part of the same user.
PERSON = re.compile(r"S-1-(?:5-21|12-1)-[0-9-]{1,60}")
POLICY = r"Software\Policies\Microsoft\Windows\Control Panel\Desktop"
OWN = r"Control Panel\Desktop"
SAVER = "SCRNSAVE.EXE"


def _limit(machine: Machine) -> int | None:
    """Seconds after which the whole PC locks, None when it does not. Windows 7 and before know no such limit."""
    found = number(machine, SYSTEM, LIMIT)
    return found if found and current_version.read(machine).build >= WINDOWS_8 else None


def _value(machine: Machine, user: str, name: str) -> int | None:
    """A setting of a user's screen saver: each that the policy sets stands before the user's own."""
    for key in (POLICY, OWN):
        found = number(machine, f"{USERS}\\{user}\\{key}", name)
        if found is not None:
            return found
    return None


def _has_saver(machine: Machine, user: str) -> bool:
    said = [machine.registry_value(f"{USERS}\\{user}\\{key}", SAVER) for key in (POLICY, OWN)]
    chosen = next((value for value in said if value is not None), None)
    return isinstance(chosen, str) and chosen.strip() not in ("", "(None)", "(无)")


def seconds_of(machine: Machine, user: str) -> int | None:
    """Seconds until the screen of ``user`` locks, None when it does not.

    Raises :class:`CannotRead` where it is set to lock and no screen saver is chosen: Microsoft's policy says that
    nothing happens then, and some see it lock all the same.
    """
    # Absent, it is off: the dialogue writes it only for those who ask for it.
    if not _value(machine, user, "ScreenSaverIsSecure"):
        return None
    active, timeout = _value(machine, user, "ScreenSaveActive"), _value(machine, user, "ScreenSaveTimeOut")
    if active == 0 or timeout == 0:
        return None
    if active is None or timeout is None:
        raise CannotRead("setting_absent", place(OWN, "ScreenSaveActive" if active is None else "ScreenSaveTimeOut"))
    if not _has_saver(machine, user):
        raise CannotRead("no_screen_saver", place(OWN, SAVER), "unsupported")
    return timeout


def screen_lock(machine: Machine) -> tuple[Any, ...]:
    """(whether it locks for every user seen, the longest time in seconds). Without users and limit it is not known."""
    limit = _limit(machine)
    users = [name for name in machine.registry_keys(USERS) if PERSON.fullmatch(name)]
    if not users and limit is None:
        raise CannotRead("nobody_logged_in", USERS, "unsupported")
    found: list[int] = []
    unknown: CannotRead | None = None
    for user in users:
        own: int | None = None
        try:
            own = seconds_of(machine, user)
        except CannotRead as error:
            unknown = error
            continue
        if own is None and limit is None:
            return False, None
        found.append(min(seconds for seconds in (own, limit) if seconds is not None))
    if unknown is not None and limit is None:
        raise unknown
    # Whoever could not be read is locked out by the limit at the latest.
    return True, max(found) if users and unknown is None else limit
