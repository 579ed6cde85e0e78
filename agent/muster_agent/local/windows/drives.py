"""The drives that stay in the PC, and which of them Windows is on."""

from __future__ import annotations

import ctypes
import string
from typing import Callable

from muster_agent.local.windows.libraries import function, last_error, not_understood, windows_folder

FIXED = 3  # DRIVE_FIXED: a disk that stays, also one in a USB case


def fixed_among(letters: int, kind: Callable[[str], int]) -> list[str]:
    r"""Of the drives whose bits are set (A is the lowest) those whose ``kind`` of their root C:\ is a fixed one."""
    present = [f"{letter}:" for bit, letter in enumerate(string.ascii_uppercase) if letters >> bit & 1]
    return [drive for drive in present if kind(drive + "\\") == FIXED]


def fixed_drives() -> list[str]:
    """C:, D: …"""
    letters = function("kernel32", "GetLogicalDrives", ctypes.c_uint32)()
    if not letters:
        raise last_error("GetLogicalDrives")
    return fixed_among(letters, function("kernel32", "GetDriveTypeW", ctypes.c_uint32, ctypes.c_wchar_p))


def system_drive() -> str:
    """C:, as a rule."""
    drive = windows_folder()[:2]
    if drive[1:] != ":":
        raise not_understood("GetSystemWindowsDirectory")
    return drive.upper()
