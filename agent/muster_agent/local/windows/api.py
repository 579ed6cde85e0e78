"""What may be asked of Windows by ``Machine.api``, under the name of the function that tells, and how each is answered.

Moments are Unix seconds. Every one raises :class:`CannotRead`: ``denied``, ``not_on_this_system`` where this Windows
has no such function, else ``api_failed`` with the error's number.
"""

from __future__ import annotations

import importlib
from typing import Callable

from muster_agent.machine import Answer, CannotRead


def _in(module: str, name: str) -> Callable[..., Answer]:
    """The function ``name`` of a module here, which is loaded when it is first asked."""

    def call(*arguments: str) -> Answer:
        found = getattr(importlib.import_module("muster_agent.local.windows." + module), name)
        return found(*arguments)  # type: ignore[no-any-return]

    return call


FUNCTIONS = {
    "NetUserEnum": _in("accounts", "users"),
    "NetLocalGroupGetMembers": _in("accounts", "members"),  # the SID of the group
    "NetUserModalsGet": _in("password_policy", "modals"),  # 0 or 3
    "SceGetSecurityProfileInfo": _in("password_policy", "security_profile"),
    "NetShareEnum": _in("shares", "shares"),
    "WscGetSecurityProviderHealth": _in("security_center", "health"),  # 4 for antivirus
    "Tbsi_GetDeviceInfo": _in("tpm", "device_info"),
    "GetOldestEventLogRecord": _in("event_log", "oldest"),  # Application, Security or System
    "EnumServicesStatusEx": _in("service_states", "states"),
    "GetAdaptersAddresses": _in("adapters", "adapters"),
    "GetIpForwardTable2": _in("routes", "routes"),
    "GetFirmwareType": _in("firmware", "firmware_type"),
    "GetSystemFirmwareTable": _in("smbios", "asked"),
    "GlobalMemoryStatusEx": _in("hardware", "memory"),
    "GetNativeSystemInfo": _in("hardware", "system_info"),
    "GetLogicalProcessorInformation": _in("hardware", "physical_cores"),
    "GetSystemTimeAsFileTime": _in("hardware", "now"),
    "BootTime": _in("hardware", "boot_time"),
    "FixedDrives": _in("drives", "fixed_drives"),
    "SystemDrive": _in("drives", "system_drive"),
    "PowerShell": _in("powershell", "answers"),
}


def ask(function: str, *arguments: str) -> Answer:
    """What ``function`` answers. Raises :class:`CannotRead`, and ``ValueError`` for a question that is none."""
    if function not in FUNCTIONS:
        raise ValueError(f"Windows is not asked for {function}")
    try:
        return FUNCTIONS[function](*arguments)
    except OSError as error:  # ctypes: the function was stopped by an exception of the processor
        raise CannotRead("api_failed", f"{function}: {error}") from error
