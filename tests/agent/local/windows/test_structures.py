"""The structures Windows fills in are laid out as its own headers say, for 64-bit programs.

The numbers are offsetof and sizeof of the Windows headers (mingw-w64's, _WIN32_WINNT 0x0A00). Types of one size on
every system stand in ours, so this holds wherever Python is a 64-bit program.
"""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from muster_agent.local.windows import (
    accounts,
    adapters,
    hardware,
    identity,
    interface_row,
    job,
    password_policy,
    routes,
    service_states,
    shares,
)

LAYOUTS: list[tuple[Any, int | None, dict[str, int]]] = [
    (
        accounts.UserInfo3,
        184,
        {
            "name": 0,
            "password": 8,
            "password_age": 16,
            "priv": 20,
            "home_dir": 24,
            "comment": 32,
            "flags": 40,
            "script_path": 48,
            "auth_flags": 56,
            "full_name": 64,
            "usr_comment": 72,
            "parms": 80,
            "workstations": 88,
            "last_logon": 96,
            "last_logoff": 100,
            "acct_expires": 104,
            "max_storage": 108,
            "units_per_week": 112,
            "logon_hours": 120,
            "bad_pw_count": 128,
            "num_logons": 132,
            "logon_server": 136,
            "country_code": 144,
            "code_page": 148,
            "user_id": 152,
            "primary_group_id": 156,
            "profile": 160,
            "home_dir_drive": 168,
            "password_expired": 176,
        },
    ),
    (accounts.UserModalsInfo2, 16, {"domain_name": 0, "domain_id": 8}),
    (accounts.LocalGroupMembersInfo2, 24, {"sid": 0, "use": 8, "name": 16}),
    (shares.ShareInfo1, 24, {"name": 0, "type": 8, "remark": 16}),
    (
        shares.ShareInfo2,
        56,
        {
            "name": 0,
            "type": 8,
            "remark": 16,
            "permissions": 24,
            "max_uses": 28,
            "current_uses": 32,
            "path": 40,
            "passwd": 48,
        },
    ),
    (
        service_states.EnumServiceStatusProcess,
        56,
        {"name": 0, "display_name": 8, "type": 16, "state": 20, "pid": 44, "flags": 48},
    ),
    (
        adapters.UnicastAddress,
        64,
        {
            "next": 8,
            "socket_address": 16,
            "prefix_origin": 32,
            "suffix_origin": 36,
            "dad_state": 40,
            "valid_lifetime": 44,
            "lease_lifetime": 52,
            "prefix_length": 56,
        },
    ),
    (adapters.SocketAddress, 16, {"address": 0, "length": 8}),
    (
        adapters.Adapter,
        None,
        {
            "next": 8,
            "index": 4,
            "adapter_name": 16,
            "unicast": 24,
            "dns_suffix": 56,
            "description": 64,
            "friendly_name": 72,
            "physical_address": 80,
            "physical_address_length": 88,
            "type": 100,
            "status": 104,
            "index_v6": 108,
        },
    ),
    (hardware.MemoryStatusEx, 64, {"length": 0, "total_physical": 8}),
    (hardware.SystemInfo, 48, {"architecture": 0, "processors": 32, "level": 44, "revision": 46}),
    (
        job.ExtendedLimits,
        144,
        {
            "flags": 16,
            "least_working_set": 24,
            "active_processes": 40,
            "affinity": 48,
            "scheduling": 60,
            "io_counters": 64,
            "memory": 112,
        },
    ),
    (
        identity.OsVersionInfoEx,
        284,
        {"size": 0, "build": 12, "service_pack": 20, "service_pack_major": 276, "product_type_and_reserved": 282},
    ),
    (
        password_policy.SecurityProfile,
        None,
        {"complexity": 16, "history": 20, "administrator_name": 48, "clear_text": 68},
    ),
]

pytestmark = pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the numbers are those of 64-bit programs")


@pytest.mark.parametrize(("layout", "size", "offsets"), LAYOUTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_structure_is_laid_out_as_windows_has_it(layout: Any, size: int | None, offsets: dict[str, int]) -> None:
    assert {name: getattr(layout, name).offset for name in offsets} == offsets
    assert size is None or ctypes.sizeof(layout) == size


def test_rows_read_as_bytes_have_their_offsets() -> None:
    assert interface_row.SIZE == 1352
    assert (interface_row.INDEX, interface_row.ALIAS, interface_row.FLAGS) == (8, 28, 1152)
    assert routes.ROW.size == 104
    assert routes.FIRST == 8
