"""What the network stack itself says of an interface: GetIfEntry2 and its MIB_IF_ROW2 (netioapi.h)."""

from __future__ import annotations

import ctypes
import struct

from muster_agent.dataclass import dataclass
from muster_agent.local.windows.libraries import failed, function, not_understood

NAME = "GetIfEntry2"
SIZE = 1352  # of a MIB_IF_ROW2, in 32-bit and 64-bit programs alike
INDEX, ALIAS, FLAGS = 8, 28, 1152  # where these stand; before them the LUID (8 bytes), index (4) and GUID (16)
ALIAS_ROOM = 257 * 2  # 256 UTF-16 characters and a NUL
CONNECTOR = 0x04  # ConnectorPresent, the third of the bits


@dataclass(frozen=True)
class InterfaceRow:
    """The two things no other function tells."""

    alias: str  # what the person sees: Ethernet 2, 以太网
    connector: bool  # it is a card with a socket or an antenna, not made of software


def interface_row(data: bytes) -> InterfaceRow:
    """The row in the bytes of a MIB_IF_ROW2."""
    if len(data) < SIZE:
        raise not_understood(NAME)
    alias = data[ALIAS : ALIAS + ALIAS_ROOM].decode("utf-16-le", "replace").partition("\0")[0]
    return InterfaceRow(alias, bool(data[FLAGS] & CONNECTOR))


def asked(index: int) -> InterfaceRow:
    """The row of the interface with the number ``index``. Raises :class:`CannotRead`."""
    ask = function("iphlpapi", NAME, ctypes.c_uint32, ctypes.c_void_p)
    # Windows measures the row itself; a little room beyond it costs nothing should a later one be longer.
    buffer = ctypes.create_string_buffer(SIZE + 256)
    struct.pack_into("<I", buffer, INDEX, index)
    error = ask(buffer)
    if error:
        raise failed(NAME, error)
    return interface_row(buffer.raw)
