"""Functions of Windows's own libraries, with their types declared, and what their error numbers mean.

The numbers are those of winerror.h, lmerr.h and ntstatus.h.
"""

from __future__ import annotations

import ctypes
import ntpath
import sys
from typing import Any

from muster_agent.machine import CannotRead, Denied

# ERROR_ACCESS_DENIED, ERROR_NETWORK_ACCESS_DENIED, ERROR_PRIVILEGE_NOT_HELD; E_ACCESSDENIED, and
# STATUS_ACCESS_DENIED, STATUS_PRIVILEGE_NOT_HELD.
REFUSALS = frozenset({5, 65, 1314, 0x80070005, 0xC0000022, 0xC0000061})
# ERROR_NOT_SUPPORTED, ERROR_CALL_NOT_IMPLEMENTED; E_NOTIMPL.
ABSENCES = frozenset({50, 120, 0x80004001})
INSUFFICIENT_BUFFER = 122
MORE_DATA = 234

_loaded: dict[str, Any] = {}


def not_here(name: str) -> CannotRead:
    """This Windows has no function ``name``."""
    return CannotRead("not_on_this_system", name, "unsupported")


def failed(name: str, number: int) -> CannotRead:
    """What it means that the function ``name`` ended with the error ``number``."""
    number &= 0xFFFFFFFF
    if number in REFUSALS:
        return Denied(name)
    if number in ABSENCES:
        return not_here(name)
    return CannotRead("api_failed", f"{name}: error {number if number < 65536 else format(number, '#010x')}")


def not_understood(name: str) -> CannotRead:
    """The function ``name`` filled in something this agent does not understand."""
    return CannotRead("not_understood", name)


def function(library: str, name: str, result: Any, *arguments: Any) -> Any:
    """The function ``name`` of the system library ``library``, which takes ``arguments`` and returns ``result``.

    Raises :class:`CannotRead` ``not_on_this_system`` where this Windows has no such library or function.
    """
    if sys.platform != "win32":
        raise not_here(name)
    found = getattr(_library(library, name), name, None)
    if found is None:
        raise not_here(name)
    found.argtypes = arguments
    found.restype = result
    return found


def _library(library: str, name: str) -> Any:
    """A library of the system folder, and of no other: one beside the agent must not be taken for it."""
    if sys.platform != "win32":
        raise not_here(name)
    if library not in _loaded:
        # kernel32 is loaded in every process, so its bare name finds that one and no file.
        path = library if library == "kernel32" else ntpath.join(system_folder(), library + ".dll")
        try:
            _loaded[library] = ctypes.WinDLL(path, use_last_error=True)
        except OSError as error:
            raise not_here(name) from error
    return _loaded[library]


def last_error(name: str) -> CannotRead:
    """Why the function ``name``, called just now, failed."""
    return failed(name, last_error_number())


def last_error_number() -> int:
    """What GetLastError says of the function called just now."""
    if sys.platform != "win32":
        return 0
    return ctypes.get_last_error()


def system_folder() -> str:
    r"""The folder of Windows's libraries and programs: C:\Windows\System32."""
    return _folder("GetSystemDirectoryW")


def windows_folder() -> str:
    r"""The folder of Windows, the same for all users: C:\Windows."""
    return _folder("GetSystemWindowsDirectoryW")


def _folder(name: str) -> str:
    """UINT GetSystemDirectoryW(LPWSTR, UINT): characters written, or needed when the buffer is too small."""
    ask = function("kernel32", name, ctypes.c_uint32, ctypes.c_wchar_p, ctypes.c_uint32)
    buffer = ctypes.create_unicode_buffer(1024)
    length = ask(buffer, len(buffer))
    if not 0 < length < len(buffer):
        raise last_error(name)
    return buffer.value


def is_32_bit_on_64_bit() -> bool:
    """Whether this Python is a 32-bit program (WOW64) on a 64-bit Windows."""
    if ctypes.sizeof(ctypes.c_void_p) == 8:
        return False
    current = function("kernel32", "GetCurrentProcess", ctypes.c_void_p)
    ask = function("kernel32", "IsWow64Process", ctypes.c_int32, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int32))
    answer = ctypes.c_int32(0)
    if not ask(current(), ctypes.byref(answer)):
        raise last_error("IsWow64Process")
    return bool(answer.value)
