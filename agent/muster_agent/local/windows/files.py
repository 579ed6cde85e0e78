"""A file opened for reading as nobody notices: whoever writes, renames or deletes it at the same time may go on."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import c_uint32, c_void_p, c_wchar_p

from muster_agent.local.windows.libraries import function, last_error_number
from muster_agent.machine import CannotRead

NAME = "CreateFileW"
GENERIC_READ = 0x80000000
SHARE_ALL = 0x7  # FILE_SHARE_READ, _WRITE, _DELETE; os.open leaves the last one out
OPEN_EXISTING = 3
SEQUENTIAL_SCAN = 0x08000000
INVALID = ctypes.c_void_p(-1).value


def opened(path: str) -> int:
    """A descriptor of the file at ``path``. Raises ``OSError`` with the number of Windows's error.

    os.open would tell a file that another program holds from one this user may not read by nothing.
    """
    if sys.platform != "win32":
        raise CannotRead("not_on_this_system", path, "unsupported")
    import msvcrt

    create = function("kernel32", NAME, c_void_p, c_wchar_p, c_uint32, c_uint32, c_void_p, c_uint32, c_uint32, c_void_p)
    handle = create(path, GENERIC_READ, SHARE_ALL, None, OPEN_EXISTING, SEQUENTIAL_SCAN, None)
    if handle is None or handle == INVALID:
        raise ctypes.WinError(last_error_number())
    try:
        return msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_BINARY)
    except OSError:
        function("kernel32", "CloseHandle", ctypes.c_int32, c_void_p)(handle)
        raise
