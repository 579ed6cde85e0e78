r"""A setting in the registry: a number however it was written, and the policy's before the PC's own.

What is absent is None or, where nobody documents what Windows then does, a :class:`CannotRead` with ``setting_absent``:
an absent value is no proof of its default.
"""

from __future__ import annotations

import re
from typing import Iterable

from muster_agent.machine import CannotRead, Machine

SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
WINDOWS_8 = 9200  # the first build of Windows 8: what came with it, Windows 7 does not heed
DIGITS = re.compile(r"[0-9]{1,10}")
DISABLED = 4  # SERVICE_DISABLED, of a service's Start


def number(machine: Machine, key: str, name: str) -> int | None:
    """The number in the value ``name`` of ``key``, None when there is none.

    Policies and Control Panel write numbers as text too, old programs as bytes. Raises :class:`CannotRead` for
    anything else.
    """
    value = machine.registry_value(key, name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    if isinstance(value, bytes) and 1 <= len(value) <= 4:
        return int.from_bytes(value, "little")
    if isinstance(value, str) and DIGITS.fullmatch(value.strip()):
        return int(value.strip())
    raise CannotRead("not_understood", place(key, name))


def required(machine: Machine, key: str, name: str) -> int:
    """The number in a value that every Windows has. Raises :class:`CannotRead` when this one does not."""
    found = number(machine, key, name)
    if found is None:
        raise CannotRead("setting_absent", place(key, name))
    return found


def first(machine: Machine, places: Iterable[tuple[str, str]]) -> int | None:
    """The number of the first (key, name) that holds one: the policy's place stands before the PC's own."""
    for key, name in places:
        found = number(machine, key, name)
        if found is not None:
            return found
    return None


def text(machine: Machine, key: str, name: str) -> str | None:
    """The text in a value, None when there is none or it is of another type."""
    value = machine.registry_value(key, name)
    return value if isinstance(value, str) else None


def switch(value: int, detail: str) -> bool:
    """0 or 1 as no or yes. Raises :class:`CannotRead` for another number: nobody documents what it does."""
    if value not in (0, 1):
        raise CannotRead("not_understood", f"{detail}={value}")
    return value == 1


def place(key: str, name: str) -> str:
    """A value as a reason shows it."""
    return f"{key}\\{name}"


def start(machine: Machine, service: str) -> int | None:
    """How a service or driver starts (0 to 4), None when none of that name is installed.

    A policy can leave a key with Start alone behind where there is no driver (SMB 1 on Windows 10), so it must have a
    Type too.
    """
    key = f"{SERVICES}\\{service}"
    if number(machine, key, "Type") is None:
        return None
    return required(machine, key, "Start")
