"""Security identifiers: S-1-5-32-544 out of bytes and memory (winnt.h, SID)."""

from __future__ import annotations

import ctypes
import struct

from muster_agent.machine import CannotRead

MOST = 15  # SID_MAX_SUB_AUTHORITIES


def length(header: bytes) -> int:
    """How many bytes the SID takes that begins with these eight. Raises :class:`CannotRead` for anything else."""
    if len(header) < 8 or header[0] != 1 or header[1] > MOST:
        raise CannotRead("not_understood", "SID")
    return 8 + 4 * header[1]


def sid_text(data: bytes) -> str:
    """The SID in ``data`` as it is written. The authority is big-endian, what follows it is not."""
    size = length(data)
    if len(data) < size:
        raise CannotRead("not_understood", "SID")
    authority = int.from_bytes(data[2:8], "big")
    # ConvertSidToStringSid writes an authority beyond 32 bits as a hexadecimal number.
    said = str(authority) if authority < 2**32 else format(authority, "#014x")
    return "-".join(["S-1", said, *(str(part) for part in struct.unpack_from(f"<{data[1]}I", data, 8))])


def sid_at(address: int) -> str:
    """The SID that stands in memory at ``address``."""
    return sid_text(ctypes.string_at(address, length(ctypes.string_at(address, 8))))
