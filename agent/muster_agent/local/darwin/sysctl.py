"""What the kernel says of itself: sysctl(3)."""

from __future__ import annotations

import ctypes

from muster_agent.local.darwin.libsystem import function, last_error
from muster_agent.machine import CannotRead

TEXT, NUMBER, MOMENT = "text", "number", "moment"
# What may be asked, and what it holds.
NAMES = {
    "kern.boottime": MOMENT,  # a struct timeval
    "kern.bootsessionuuid": TEXT,
    "machdep.cpu.brand_string": TEXT,
    "hw.model": TEXT,
    "hw.memsize": NUMBER,
    "hw.physicalcpu": NUMBER,
    "hw.logicalcpu": NUMBER,
}
MOST = 64 * 1024  # bytes
MINUTE = 60


def value(name: str, data: bytes) -> int | str:
    """The value of ``name`` in the bytes the kernel filled in."""
    kind = NAMES[name]
    if kind == TEXT:
        return data.partition(b"\0")[0].decode("utf-8", "replace").strip()
    # struct timeval begins with the seconds in eight bytes; numbers are four or eight bytes long.
    if len(data) not in ((16,) if kind == MOMENT else (4, 8)):
        raise CannotRead("not_understood", f"sysctl: {name}")
    number = int.from_bytes(data[:8], "little", signed=True)
    # The kernel moves this moment along when its clock is set, so to the second it would not hold still.
    return (number + MINUTE // 2) // MINUTE * MINUTE if kind == MOMENT else number


def asked(name: str) -> int | str:
    """The value of ``name``; moments are Unix seconds, to the minute.

    Raises :class:`CannotRead` ``not_on_this_system`` where this Mac has no such.
    """
    if name not in NAMES:
        raise ValueError(f"sysctl is not asked for {name}")
    size_type, pointer = ctypes.c_size_t, ctypes.c_void_p
    ask = function(
        "sysctlbyname", ctypes.c_int, ctypes.c_char_p, pointer, ctypes.POINTER(size_type), pointer, size_type
    )
    size = size_type(0)
    for _ in range(5):  # what it says may grow between the two calls
        if ask(name.encode("ascii"), None, ctypes.byref(size), None, 0):
            raise last_error(name)
        if size.value > MOST:
            break
        buffer = ctypes.create_string_buffer(size.value or 1)
        if ask(name.encode("ascii"), buffer, ctypes.byref(size), None, 0) == 0:
            return value(name, buffer.raw[: size.value])
    raise last_error(name)
