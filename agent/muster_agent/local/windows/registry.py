r"""The registry, always in its 64-bit view; what 32-bit programs wrote stands under HKLM\SOFTWARE\WOW6432Node."""

from __future__ import annotations

import sys
from typing import Any

from muster_agent.machine import CannotRead, Denied, NotFound, RegistryValue

ROOTS = {"HKLM": "HKEY_LOCAL_MACHINE", "HKU": "HKEY_USERS"}
# winnt.h
REG_SZ, REG_EXPAND_SZ, REG_DWORD, REG_MULTI_SZ, REG_QWORD = 1, 2, 4, 7, 11
# winerror.h
FILE_NOT_FOUND, PATH_NOT_FOUND, ACCESS_DENIED, NO_MORE_ITEMS, KEY_DELETED = 2, 3, 5, 259, 1018


def split(key: str) -> tuple[str, str]:
    r"""("HKEY_LOCAL_MACHINE", "SOFTWARE\Microsoft") for HKLM\SOFTWARE\Microsoft. Raises ``ValueError`` for another."""
    root, _, path = key.partition("\\")
    if root not in ROOTS:
        raise ValueError("a registry key begins with HKLM or HKU, not " + key)
    return ROOTS[root], path


def refusal(error: OSError, key: str) -> CannotRead:
    """What an error about ``key`` means to a collector."""
    number = getattr(error, "winerror", None)
    if number in (FILE_NOT_FOUND, PATH_NOT_FOUND, KEY_DELETED):
        return NotFound(key)
    if number == ACCESS_DENIED:
        return Denied(key)
    return CannotRead("system_error", f"{key}: error {number if number is not None else error.errno}")


def value_of(data: Any, kind: int) -> RegistryValue:
    """A value as winreg hands it out, of the type ``kind``: text, number, several texts, or else bytes."""
    if kind in (REG_SZ, REG_EXPAND_SZ):
        return str(data or "").split("\0", 1)[0]
    if kind in (REG_DWORD, REG_QWORD):
        return int(data or 0)
    if kind == REG_MULTI_SZ:
        return tuple(str(text) for text in data or ())
    return bytes(data or b"")


def values(key: str) -> dict[str, RegistryValue]:
    """The values of ``key`` by name; the key's own value has the name "". REG_EXPAND_SZ stands unexpanded."""
    return {name: value_of(data, kind) for name, data, kind in _entries(key, "EnumValue")}


def keys(key: str) -> list[str]:
    """The sorted names of the keys under ``key``."""
    return sorted(_entries(key, "EnumKey"))


def _entries(key: str, enumerate_by: str) -> list[Any]:
    """Everything a function of winreg tells of ``key``, one index after the other until there is no more."""
    root, path = split(key)
    if sys.platform != "win32":
        raise CannotRead("not_on_this_system", key, "unsupported")
    import winreg

    ask = getattr(winreg, enumerate_by)
    found: list[Any] = []
    try:
        with winreg.OpenKey(getattr(winreg, root), path, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as opened:
            while True:
                try:
                    found.append(ask(opened, len(found)))
                except OSError as error:
                    if error.winerror == NO_MORE_ITEMS:
                        return found
                    raise
    except OSError as error:
        raise refusal(error, key) from error
    except ValueError as error:  # a NUL in the name
        raise NotFound(key) from error
