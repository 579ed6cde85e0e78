"""Functions of macOS's one system library, with their types declared."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import Any

from muster_agent.machine import CannotRead, Denied

# No file any more: the loader has it in its cache, and finds it by this name.
LIBRARY = "/usr/lib/libSystem.B.dylib"

_loaded: list[Any] = []


def not_here(name: str) -> CannotRead:
    """This macOS has no ``name``."""
    return CannotRead("not_on_this_system", name, "unsupported")


def failed(name: str, number: int) -> CannotRead:
    """What it means that the function ``name`` ended with ``number`` (errno.h)."""
    if number in (errno.EPERM, errno.EACCES):
        return Denied(name)
    if number in (errno.ENOENT, errno.ENOSYS):  # of sysctl: there is no such name
        return not_here(name)
    return CannotRead("api_failed", f"{name}: error {number}")


def function(name: str, result: Any, *arguments: Any) -> Any:
    """The function ``name``, which takes ``arguments`` and returns ``result``."""
    if sys.platform != "darwin":
        raise not_here(name)
    if not _loaded:
        _loaded.append(ctypes.CDLL(LIBRARY, use_errno=True))
    found = getattr(_loaded[0], name, None)
    if found is None:
        raise not_here(name)
    found.argtypes = arguments
    found.restype = result
    return found


def last_error(name: str) -> CannotRead:
    """Why the function ``name``, called just now, failed."""
    return failed(name, ctypes.get_errno() or errno.EIO)


def text(data: bytes) -> str:
    """A name in the encoding of file names."""
    return os.fsdecode(data)
