"""Whether the PC started by BIOS or by UEFI."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_uint32, c_void_p, c_wchar_p

from muster_agent.local.windows.libraries import failed, function, last_error, last_error_number, not_understood
from muster_agent.machine import CannotRead

NAME, VARIABLE = "GetFirmwareType", "GetFirmwareEnvironmentVariableW"
BIOS, UEFI = 1, 2
# winerror.h: a BIOS has no variables; UEFI has, but not this one, or nowhere to write it to.
INVALID_FUNCTION, OF_UEFI = 1, (203, 998)
NOBODY = "{00000000-0000-0000-0000-000000000000}"


def firmware_type() -> int:
    """1 BIOS, 2 UEFI. Windows 7 lacks the function, so there a variable of the firmware is asked for."""
    try:
        ask = function("kernel32", NAME, c_int32, ctypes.POINTER(c_uint32))
    except CannotRead:
        return by_variable()
    answer = c_uint32(0)
    if not ask(ctypes.byref(answer)):
        raise last_error(NAME)
    if answer.value not in (BIOS, UEFI):
        raise not_understood(NAME)
    return answer.value


def by_variable() -> int:
    """The same by Microsoft's older advice: ask for a variable that nobody has, and look at the error."""
    ask = function("kernel32", VARIABLE, c_uint32, c_wchar_p, c_wchar_p, c_void_p, c_uint32)
    ask("", NOBODY, None, 0)
    return by_error(last_error_number())


def by_error(number: int) -> int:
    """What the error says. Raises :class:`Denied` for a user who may not ask: on some PCs a BIOS says that as well."""
    if number == INVALID_FUNCTION:
        return BIOS
    if number in OF_UEFI:
        return UEFI
    raise failed(VARIABLE, number)
