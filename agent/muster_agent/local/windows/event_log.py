"""How far back an event log reaches (winnt.h, EVENTLOGRECORD)."""

from __future__ import annotations

import ctypes
import struct
from ctypes import c_int32, c_uint32, c_void_p, c_wchar_p

from muster_agent.local.windows.libraries import (
    INSUFFICIENT_BUFFER,
    function,
    last_error,
    last_error_number,
    not_understood,
)

NAME = "GetOldestEventLogRecord"
# A log of another name would not fail: Windows opens Application in its place.
LOGS = ("Application", "Security", "System")
SEQUENTIALLY, FORWARDS = 0x0001, 0x0004  # the first such read begins with the oldest record
HANDLE_EOF = 38
ROOM = 0x7FFFF  # the largest buffer ReadEventLog takes
SIGNATURE = 0x654C664C  # "LfLe"


def generated(record: bytes) -> int:
    """When the event of an EVENTLOGRECORD happened: Length, Reserved, RecordNumber, TimeGenerated, TimeWritten."""
    if len(record) < 56:
        raise not_understood(NAME)
    length, signature, _, moment, _ = struct.unpack_from("<5I", record)
    if signature != SIGNATURE or not 56 <= length <= len(record):
        raise not_understood(NAME)
    return int(moment)


def oldest(log: str) -> int | None:
    """Unix seconds of the oldest record of ``log``; None for an empty one. Security is for administrators."""
    if log not in LOGS:
        raise ValueError(f"the event log is one of {', '.join(LOGS)}, not {log}")
    open_log = function("advapi32", "OpenEventLogW", c_void_p, c_wchar_p, c_wchar_p)
    close = function("advapi32", "CloseEventLog", c_int32, c_void_p)
    handle = open_log(None, log)
    if not handle:
        raise last_error("OpenEventLog")
    try:
        return _oldest(handle)
    finally:
        close(handle)


def _oldest(handle: int) -> int | None:
    count = function("advapi32", "GetNumberOfEventLogRecords", c_int32, c_void_p, ctypes.POINTER(c_uint32))
    pointers = (ctypes.POINTER(c_uint32), ctypes.POINTER(c_uint32))
    read_log = function(
        "advapi32", "ReadEventLogW", c_int32, c_void_p, c_uint32, c_uint32, c_void_p, c_uint32, *pointers
    )
    records, read, needed = c_uint32(0), c_uint32(0), c_uint32(0)
    if not count(handle, ctypes.byref(records)):
        raise last_error("GetNumberOfEventLogRecords")
    if not records.value:
        return None
    size = 4096
    while True:
        buffer = ctypes.create_string_buffer(size)
        if read_log(handle, SEQUENTIALLY | FORWARDS, 0, buffer, size, ctypes.byref(read), ctypes.byref(needed)):
            return generated(buffer.raw[: read.value])
        error = last_error_number()
        if error == HANDLE_EOF:
            return None
        if error != INSUFFICIENT_BUFFER or not size < needed.value <= ROOM:
            raise last_error("ReadEventLog")
        size = needed.value
