"""What passwords must be, and when an account is locked (lmaccess.h; scecli.dll)."""

from __future__ import annotations

import ctypes
from ctypes import c_uint32, c_void_p, c_wchar_p
from typing import Any

from muster_agent.local.windows.libraries import failed, function, not_understood
from muster_agent.local.windows.net_api import freed, structure
from muster_agent.machine import CannotRead, Denied

MODALS, PROFILE = "NetUserModalsGet", "SceGetSecurityProfileInfo"
# USER_MODALS_INFO_0 and USER_MODALS_INFO_3: nothing but 32-bit numbers, in this order.
LEVELS = {
    "0": ("min_passwd_len", "max_passwd_age", "min_passwd_age", "force_logoff", "password_hist_len"),
    "3": ("lockout_duration", "lockout_observation_window", "lockout_threshold"),
}
SYSTEM, EVERY_AREA = 300, 0xFFFF  # the policy in force rather than one from a file; all of it
REFUSED = (5, 9)  # ERROR_ACCESS_DENIED, SCESTATUS_ACCESS_DENIED: it answers with either kind of number


class SecurityProfile(ctypes.Structure):
    """The beginning of what SceGetSecurityProfileInfo fills in.

    Microsoft does not document it; osquery uses this layout, which has not changed since Windows 7.
    """

    _fields_ = [  # ctypes wants a list
        ("kind", c_uint32),
        ("min_passwd_age", c_uint32),
        ("max_passwd_age", c_uint32),
        ("min_passwd_len", c_uint32),
        ("complexity", c_uint32),
        ("history", c_uint32),
        ("lockout_threshold", c_uint32),
        ("lockout_reset", c_uint32),
        ("lockout_duration", c_uint32),
        ("logon_to_change", c_uint32),
        ("force_logoff", c_uint32),
        ("administrator_name", c_wchar_p),
        ("guest_name", c_wchar_p),
        ("unknown", c_uint32),
        ("clear_text", c_uint32),
    ]


def modals(level: str) -> dict[str, int]:
    """The numbers of one level of NetUserModalsGet. Times are seconds, 4294967295 is for ever."""
    if level not in LEVELS:
        raise ValueError("NetUserModalsGet is asked for level 0 or 3, not " + level)
    names = LEVELS[level]
    ask = function("netapi32", MODALS, c_uint32, c_wchar_p, c_uint32, c_void_p)
    buffer = c_void_p()
    error = ask(None, int(level), ctypes.byref(buffer))
    with freed(buffer):
        if error:
            raise failed(MODALS, error)
        return dict(zip(names, structure(buffer, c_uint32 * len(names), MODALS)))


def profile(found: Any, lengths: dict[str, int], lockout: dict[str, int]) -> dict[str, Any]:
    """What of the security profile no documented function tells.

    What a documented one tells as well is compared first: where they differ the layout is not the known one.
    """
    known = (lengths["min_passwd_len"], lengths["password_hist_len"], lockout["lockout_threshold"])
    if (found.min_passwd_len, found.history, found.lockout_threshold) != known or found.complexity not in (0, 1):
        raise not_understood(PROFILE)
    return {
        "password_complexity": bool(found.complexity),
        "clear_text_password": bool(found.clear_text) if found.clear_text in (0, 1) else None,
        "new_administrator_name": found.administrator_name or None,
        "new_guest_name": found.guest_name or None,
    }


def security_profile() -> dict[str, Any]:
    """Whether a password must be complex. An administrator may ask, in a 64-bit Python: in WOW64 the function fails."""
    if ctypes.sizeof(c_void_p) != 8:
        raise CannotRead("needs_64_bit", PROFILE, "unsupported")
    ask = function("scecli", PROFILE, c_uint32, c_void_p, c_uint32, c_uint32, c_void_p, c_void_p)
    free = function("scecli", "SceFreeMemory", c_uint32, c_void_p, c_uint32)
    lengths, lockout = modals("0"), modals("3")
    buffer = c_void_p()
    error = ask(None, SYSTEM, EVERY_AREA, ctypes.byref(buffer), None)
    try:
        if error:
            raise Denied(PROFILE) if error in REFUSED else failed(PROFILE, error)
        return profile(structure(buffer, SecurityProfile, PROFILE), lengths, lockout)
    finally:
        if buffer.value:
            free(buffer, EVERY_AREA)
