"""Lists and structures that the functions of netapi32 allocate, and that NetApiBufferFree takes back."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any, Callable, Iterator

from muster_agent.local.windows.libraries import MORE_DATA, failed, function

EVERYTHING = 0xFFFFFFFF  # MAX_PREFERRED_LENGTH: as long as it needs
MOST_CALLS = 1000  # no list goes on for ever


@contextlib.contextmanager
def freed(buffer: ctypes.c_void_p) -> Iterator[None]:
    """Give ``buffer`` back after the block, if the function filled it in."""
    try:
        yield
    finally:
        if buffer.value:
            function("netapi32", "NetApiBufferFree", ctypes.c_uint32, ctypes.c_void_p)(buffer)


def structure(buffer: ctypes.c_void_p, layout: type[Any], name: str) -> Any:
    """The one structure in ``buffer``; valid until it is freed. ``name`` is the function that filled it in."""
    if not buffer.value:
        raise failed(name, 0)
    return layout.from_address(buffer.value)


def enumerated(name: str, layout: type[Any], call: Callable[..., int], row: Callable[[Any], Any]) -> list[Any]:
    """``row`` of every structure that ``call(buffer, read, total, resume)`` lists, until it says there is no more."""
    found: list[Any] = []
    # Wide enough for both kinds of resume handle: DWORD and DWORD_PTR.
    resume = ctypes.c_uint64(0)
    for _ in range(MOST_CALLS):
        buffer, read, total = ctypes.c_void_p(), ctypes.c_uint32(0), ctypes.c_uint32(0)
        with freed(buffer):
            error = call(ctypes.byref(buffer), ctypes.byref(read), ctypes.byref(total), ctypes.byref(resume))
            if error not in (0, MORE_DATA):
                raise failed(name, error)
            if buffer.value and read.value:
                # Taken out before the buffer is freed: the texts in it are copied when they are read.
                found += [row(entry) for entry in (layout * read.value).from_address(buffer.value)]
        if error == 0:
            return found
    raise failed(name, MORE_DATA)
