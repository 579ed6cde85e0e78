"""What this Windows calls itself, and whether this user is an administrator."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_uint16, c_uint32

from muster_agent.local.windows import hardware
from muster_agent.local.windows.libraries import failed, function, last_error
from muster_agent.machine import Uname

DNS_HOST_NAME = 5  # ComputerNamePhysicalDnsHostname: not cut at 15 characters as the NetBIOS name is


class OsVersionInfoEx(ctypes.Structure):
    """OSVERSIONINFOEXW."""

    _fields_ = [  # ctypes wants a list
        ("size", c_uint32),
        ("major", c_uint32),
        ("minor", c_uint32),
        ("build", c_uint32),
        ("platform", c_uint32),
        ("service_pack", c_uint16 * 128),
        ("service_pack_major", c_uint16),
        ("service_pack_minor", c_uint16),
        ("suite_mask", c_uint16),
        ("product_type_and_reserved", c_uint16),
    ]


def uname() -> Uname:
    """System, host name, version and architecture: Windows, PC-12, 10.0.19045, AMD64.

    platform.uname() would start a child process in older Pythons and ask WMI in newer ones.
    """
    return Uname("Windows", host_name(), release(), hardware.system_info()["architecture"])


def host_name() -> str:
    """The name of this PC on the network."""
    name = "GetComputerNameExW"
    ask = function("kernel32", name, c_int32, c_uint32, ctypes.c_wchar_p, ctypes.POINTER(c_uint32))
    size = c_uint32(256)
    buffer = ctypes.create_unicode_buffer(size.value)
    if not ask(DNS_HOST_NAME, buffer, ctypes.byref(size)):
        raise last_error(name)
    return buffer.value


def release() -> str:
    """The version that runs. GetVersionEx answers a program what it was built for, RtlGetVersion the truth."""
    found = OsVersionInfoEx(size=ctypes.sizeof(OsVersionInfoEx))
    status = function("ntdll", "RtlGetVersion", c_uint32, ctypes.c_void_p)(ctypes.byref(found))
    if status:
        raise failed("RtlGetVersion", status)
    return f"{found.major}.{found.minor}.{found.build}"


def is_administrator() -> bool:
    """Whether this user has administrator rights now: one who has to be asked first (UAC) has not."""
    return bool(function("shell32", "IsUserAnAdmin", c_int32)())
