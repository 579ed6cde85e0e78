"""The local accounts and the members of local groups (lmaccess.h). None of it needs an administrator."""

from __future__ import annotations

import ctypes
from ctypes import c_uint32, c_void_p, c_wchar_p
from typing import Any

from muster_agent.local.windows.libraries import INSUFFICIENT_BUFFER, failed, function, last_error, last_error_number
from muster_agent.local.windows.net_api import EVERYTHING, enumerated, freed, structure
from muster_agent.local.windows.sids import sid_at

NORMAL_ACCOUNTS = 0x0002  # FILTER_NORMAL_ACCOUNT: no machine and no trust accounts
USERS, MEMBERS, MODALS = "NetUserEnum", "NetLocalGroupGetMembers", "NetUserModalsGet"


class UserInfo3(ctypes.Structure):
    """USER_INFO_3."""

    _fields_ = [  # ctypes wants a list
        ("name", c_wchar_p),
        ("password", c_void_p),
        ("password_age", c_uint32),
        ("priv", c_uint32),
        ("home_dir", c_void_p),
        ("comment", c_void_p),
        ("flags", c_uint32),
        ("script_path", c_void_p),
        ("auth_flags", c_uint32),
        ("full_name", c_void_p),
        ("usr_comment", c_void_p),
        ("parms", c_void_p),
        ("workstations", c_void_p),
        ("last_logon", c_uint32),
        ("last_logoff", c_uint32),
        ("acct_expires", c_uint32),
        ("max_storage", c_uint32),
        ("units_per_week", c_uint32),
        ("logon_hours", c_void_p),
        ("bad_pw_count", c_uint32),
        ("num_logons", c_uint32),
        ("logon_server", c_void_p),
        ("country_code", c_uint32),
        ("code_page", c_uint32),
        ("user_id", c_uint32),
        ("primary_group_id", c_uint32),
        ("profile", c_void_p),
        ("home_dir_drive", c_void_p),
        ("password_expired", c_uint32),
    ]


class UserModalsInfo2(ctypes.Structure):
    """USER_MODALS_INFO_2: the domain whose accounts this PC's own account database holds."""

    _fields_ = [("domain_name", c_void_p), ("domain_id", c_void_p)]


class LocalGroupMembersInfo2(ctypes.Structure):
    """LOCALGROUP_MEMBERS_INFO_2."""

    _fields_ = [("sid", c_void_p), ("use", c_uint32), ("name", c_wchar_p)]


def user(entry: Any, domain: str) -> dict[str, Any]:
    """One account of NetUserEnum. Its SID is that of the account database with its own number behind it."""
    return {
        "name": entry.name or "",
        "rid": entry.user_id,
        "sid": f"{domain}-{entry.user_id}",
        "flags": entry.flags,
        "password_age": entry.password_age,
        "priv": entry.priv,
        "last_logon": entry.last_logon or None,
    }


def member(entry: Any) -> dict[str, Any]:
    r"""One member of a group; a deleted or unreachable account has a SID and no name."""
    return {"sid": sid_at(entry.sid), "name": entry.name or None}


def users() -> list[dict[str, Any]]:
    """The accounts of this PC itself."""
    domain = account_domain()
    ask = function(
        "netapi32", USERS, c_uint32, c_wchar_p, c_uint32, c_uint32, c_void_p, c_uint32, c_void_p, c_void_p, c_void_p
    )

    def call(buffer: Any, read: Any, total: Any, resume: Any) -> int:
        return int(ask(None, 3, NORMAL_ACCOUNTS, buffer, EVERYTHING, read, total, resume))

    return enumerated(USERS, UserInfo3, call, lambda entry: user(entry, domain))


def account_domain() -> str:
    """The SID that those of this PC's own accounts begin with."""
    ask = function("netapi32", MODALS, c_uint32, c_wchar_p, c_uint32, c_void_p)
    buffer = c_void_p()
    error = ask(None, 2, ctypes.byref(buffer))
    with freed(buffer):
        if error:
            raise failed(MODALS, error)
        return sid_at(structure(buffer, UserModalsInfo2, MODALS).domain_id)


def members(sid: str) -> list[dict[str, Any]]:
    """The members of the local group with the SID ``sid``, whatever it is called in this Windows's language."""
    group = group_name(sid)
    ask = function("netapi32", MEMBERS, c_uint32, c_wchar_p, c_wchar_p, c_uint32, c_void_p, c_uint32, *[c_void_p] * 3)

    def call(buffer: Any, read: Any, total: Any, resume: Any) -> int:
        return int(ask(None, group, 2, buffer, EVERYTHING, read, total, resume))

    return enumerated(MEMBERS, LocalGroupMembersInfo2, call, member)


def group_name(sid: str) -> str:
    """The name of the group with the SID ``sid``. Raises :class:`CannotRead` for a SID nobody has."""
    convert = function("advapi32", "ConvertStringSidToSidW", ctypes.c_int32, c_wchar_p, c_void_p)
    free = function("kernel32", "LocalFree", c_void_p, c_void_p)
    look_up = function("advapi32", "LookupAccountSidW", ctypes.c_int32, c_wchar_p, c_void_p, *[c_void_p] * 5)
    binary = c_void_p()
    if not convert(sid, ctypes.byref(binary)):
        raise last_error("ConvertStringSidToSid")
    try:
        size, size_of_domain, use = c_uint32(0), c_uint32(0), c_uint32(0)
        sizes = (ctypes.byref(size), ctypes.byref(size_of_domain), ctypes.byref(use))
        look_up(None, binary, None, sizes[0], None, sizes[1], sizes[2])
        if last_error_number() != INSUFFICIENT_BUFFER:
            raise last_error("LookupAccountSid")
        name = ctypes.create_unicode_buffer(size.value)
        domain = ctypes.create_unicode_buffer(size_of_domain.value)
        if not look_up(None, binary, name, sizes[0], domain, sizes[1], sizes[2]):
            raise last_error("LookupAccountSid")
        return name.value
    finally:
        free(binary)
