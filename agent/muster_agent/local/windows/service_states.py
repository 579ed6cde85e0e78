"""Which Win32 services run (winsvc.h). Everybody may ask."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_uint32, c_void_p, c_wchar_p
from typing import Any

from muster_agent.local.windows.libraries import (
    MORE_DATA,
    failed,
    function,
    last_error,
    last_error_number,
    not_understood,
)

NAME = "EnumServicesStatusEx"
STATES = {
    1: "STOPPED",
    2: "START_PENDING",
    3: "STOP_PENDING",
    4: "RUNNING",
    5: "CONTINUE_PENDING",
    6: "PAUSE_PENDING",
    7: "PAUSED",
}
CONNECT_AND_ENUMERATE = 0x0005  # SC_MANAGER_CONNECT, SC_MANAGER_ENUMERATE_SERVICE
PROCESS_INFO, WIN32, IN_ANY_STATE = 0, 0x30, 3
ROOM = 256 * 1024  # the largest buffer the function takes
MOST_CALLS = 100


class EnumServiceStatusProcess(ctypes.Structure):
    """ENUM_SERVICE_STATUS_PROCESSW, the SERVICE_STATUS_PROCESS in it spelt out."""

    _fields_ = [  # ctypes wants a list
        ("name", c_wchar_p),
        ("display_name", c_wchar_p),
        ("type", c_uint32),
        ("state", c_uint32),
        ("controls", c_uint32),
        ("exit_code", c_uint32),
        ("service_exit_code", c_uint32),
        ("check_point", c_uint32),
        ("wait_hint", c_uint32),
        ("pid", c_uint32),
        ("flags", c_uint32),
    ]


def state(entry: Any) -> str:
    """The word for the state of a service."""
    found = STATES.get(entry.state)
    if found is None:
        raise not_understood(f"{NAME}: {entry.name}")
    return found


def states() -> dict[str, str]:
    """The state of every Win32 service by its name; those of single users (OneSyncSvc_3f2a1) among them."""
    open_manager = function("advapi32", "OpenSCManagerW", c_void_p, c_wchar_p, c_wchar_p, c_uint32)
    close = function("advapi32", "CloseServiceHandle", c_int32, c_void_p)
    manager = open_manager(None, None, CONNECT_AND_ENUMERATE)
    if not manager:
        raise last_error("OpenSCManager")
    try:
        return _states(manager)
    finally:
        close(manager)


def _states(manager: int) -> dict[str, str]:
    counts = [ctypes.POINTER(c_uint32)] * 3
    numbers = [c_uint32] * 3
    ask = function("advapi32", NAME + "W", c_int32, c_void_p, *numbers, c_void_p, c_uint32, *counts, c_wchar_p)
    needed, returned, resume = c_uint32(0), c_uint32(0), c_uint32(0)
    buffer = ctypes.create_string_buffer(ROOM)
    found: dict[str, str] = {}
    for _ in range(MOST_CALLS):
        outcome = [ctypes.byref(number) for number in (needed, returned, resume)]
        done = ask(manager, PROCESS_INFO, WIN32, IN_ANY_STATE, buffer, ROOM, *outcome, None)
        if not done and last_error_number() != MORE_DATA:
            raise last_error(NAME)
        entries = (EnumServiceStatusProcess * returned.value).from_buffer(buffer)
        found.update((entry.name, state(entry)) for entry in entries)
        if done:
            return found
    raise failed(NAME, MORE_DATA)
