"""Processor and memory, and when the PC was started."""

from __future__ import annotations

import ctypes
import struct
from ctypes import c_int32, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any

from muster_agent.local.windows.libraries import (
    INSUFFICIENT_BUFFER,
    failed,
    function,
    last_error,
    last_error_number,
    not_understood,
)
from muster_agent.machine import CannotRead

# winnt.h: PROCESSOR_ARCHITECTURE_*, and IMAGE_FILE_MACHINE_* for the same.
ARCHITECTURES = {0: "x86", 5: "ARM", 6: "IA64", 9: "AMD64", 12: "ARM64"}
MACHINES = {0x014C: "x86", 0x01C4: "ARM", 0x0200: "IA64", 0x8664: "AMD64", 0xAA64: "ARM64"}
ALL_GROUPS = 0xFFFF
CORES = 0  # RelationProcessorCore
TIME_OF_DAY = 3  # SystemTimeOfDayInformation
FILETIME_OF_1970 = 116_444_736_000_000_000  # 100 ns since 1601
MINUTE = 60


class MemoryStatusEx(ctypes.Structure):
    """MEMORYSTATUSEX."""

    _fields_ = [("length", c_uint32), ("load", c_uint32), ("total_physical", c_uint64), ("rest", c_uint64 * 6)]


class SystemInfo(ctypes.Structure):
    """SYSTEM_INFO."""

    _fields_ = [  # ctypes wants a list
        ("architecture", c_uint16),
        ("reserved", c_uint16),
        ("page_size", c_uint32),
        ("minimum_address", c_void_p),
        ("maximum_address", c_void_p),
        ("active_processors", c_void_p),
        ("processors", c_uint32),
        ("processor_type", c_uint32),
        ("granularity", c_uint32),
        ("level", c_uint16),
        ("revision", c_uint16),
    ]


def memory() -> int:
    """Bytes of memory Windows can use."""
    name = "GlobalMemoryStatusEx"
    status = MemoryStatusEx(length=ctypes.sizeof(MemoryStatusEx))
    if not function("kernel32", name, c_int32, c_void_p)(ctypes.byref(status)):
        raise last_error(name)
    return int(status.total_physical)


def system_info() -> dict[str, Any]:
    """The processor's architecture, whatever this Python is built for, and the logical processors."""
    processors = function("kernel32", "GetActiveProcessorCount", c_uint32, c_uint16)(ALL_GROUPS)
    if not processors:
        raise last_error("GetActiveProcessorCount")
    try:
        architecture = MACHINES.get(_native_machine())
    except CannotRead:  # before Windows 10 1511, where no program is translated from another processor's
        found = SystemInfo()
        function("kernel32", "GetNativeSystemInfo", None, c_void_p)(ctypes.byref(found))
        architecture = ARCHITECTURES.get(found.architecture)
    if architecture is None:
        raise not_understood("GetNativeSystemInfo")
    return {"architecture": architecture, "processors": processors}


def _native_machine() -> int:
    """To a translated program GetNativeSystemInfo names the processor it was built for; this does not."""
    name = "IsWow64Process2"
    ask = function("kernel32", name, c_int32, c_void_p, c_void_p, c_void_p)
    process, native = c_uint16(0), c_uint16(0)
    current = function("kernel32", "GetCurrentProcess", c_void_p)
    if not ask(current(), ctypes.byref(process), ctypes.byref(native)):
        raise last_error(name)
    return native.value


def cores_in(data: bytes) -> int:
    """How many SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX there are: kind, size, and as many bytes as the size says."""
    at = found = 0
    while at < len(data):
        kind, size = struct.unpack_from("<2I", data, at) if at + 8 <= len(data) else (CORES, 0)
        if kind != CORES or size < 8 or at + size > len(data):
            raise not_understood("GetLogicalProcessorInformationEx")
        at += size
        found += 1
    if not found:
        raise not_understood("GetLogicalProcessorInformationEx")
    return found


def physical_cores() -> int:
    """The cores, each of which may be several logical processors."""
    name = "GetLogicalProcessorInformationEx"
    ask = function("kernel32", name, c_int32, c_uint32, c_void_p, ctypes.POINTER(c_uint32))
    size = c_uint32(0)
    ask(CORES, None, ctypes.byref(size))
    if last_error_number() != INSUFFICIENT_BUFFER:
        raise last_error(name)
    buffer = ctypes.create_string_buffer(size.value)
    if not ask(CORES, buffer, ctypes.byref(size)):
        raise last_error(name)
    return cores_in(buffer.raw[: size.value])


def unix_minute(filetime: int) -> int:
    """A FILETIME (100 ns since 1601) as Unix seconds, rounded to the minute."""
    seconds = (filetime - FILETIME_OF_1970 + 5_000_000) // 10_000_000
    return (seconds + MINUTE // 2) // MINUTE * MINUTE


def now() -> int:
    """Unix seconds by the PC's clock, for what Windows tells as an age."""
    moment = c_uint64(0)
    function("kernel32", "GetSystemTimeAsFileTime", None, c_void_p)(ctypes.byref(moment))
    return int(moment.value - FILETIME_OF_1970) // 10_000_000


def boot_time() -> int:
    """When Windows was started, to the minute.

    Windows moves this moment along when its clock is set: to the minute an unchanged PC says the same twice although
    its clock is put right by some seconds now and then.
    """
    name = "NtQuerySystemInformation"
    ask = function("ntdll", name, c_uint32, c_uint32, c_void_p, c_uint32, c_void_p)
    buffer = ctypes.create_string_buffer(48)  # SYSTEM_TIMEOFDAY_INFORMATION: BootTime, CurrentTime and others
    written = c_uint32(0)
    status = ask(TIME_OF_DAY, buffer, len(buffer), ctypes.byref(written))
    if status:
        raise failed(name, status)
    if written.value < 8:
        raise not_understood(name)
    return unix_minute(struct.unpack_from("<q", buffer)[0])
