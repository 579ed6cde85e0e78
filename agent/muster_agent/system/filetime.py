"""FILETIME, as Windows keeps moments: 100 nanoseconds since 1601-01-01 UTC (minwinbase.h), in 64 bits."""

from __future__ import annotations

import time

from muster_agent.machine import CannotRead

TICKS = 10000000  # a second
UNIX_EPOCH = 11644473600  # seconds from 1601-01-01 to 1970-01-01
# Windows 7 is of 2009; a moment outside these years is a damaged value or a clock that was never set.
EARLIEST, LATEST = 946684800, 4102444800  # 2000-01-01, 2100-01-01


def moment_of_seconds(seconds: int, what: str) -> str:
    """The moment ``seconds`` after 1970-01-01 UTC, as 2023-10-12T03:15:00Z. ``what`` names it in the failure: raises
    ``not_understood`` for a moment no Windows PC can have meant."""
    if not EARLIEST <= seconds < LATEST:
        raise CannotRead("not_understood", f"{what}: {seconds} s")
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def moment(filetime: int, what: str) -> str | None:
    """The moment a FILETIME stands for; None for 0, which Windows writes for "never". Raises as above."""
    return moment_of_seconds(filetime // TICKS - UNIX_EPOCH, what) if filetime else None


def of_halves(high: int, low: int) -> int:
    """The FILETIME whose halves are kept apart (dwHighDateTime, dwLowDateTime)."""
    return (high & 0xFFFFFFFF) << 32 | low & 0xFFFFFFFF


def of_bytes(data: bytes, what: str) -> int:
    """The FILETIME in a REG_BINARY value: eight bytes, the lowest first. Raises ``not_understood``."""
    if len(data) != 8:
        raise CannotRead("not_understood", f"{what}: {len(data)} bytes")
    return int.from_bytes(data, "little")
