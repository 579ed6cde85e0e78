"""The routes of both families: GetIpForwardTable2 and its MIB_IPFORWARD_ROW2 (netioapi.h). Everybody may ask."""

from __future__ import annotations

import ctypes
import struct
from typing import Any, Callable

from muster_agent.local.windows.interface_row import InterfaceRow, asked
from muster_agent.local.windows.libraries import failed, function, not_understood
from muster_agent.local.windows.sockaddr import address
from muster_agent.machine import CannotRead

NAME = "GetIpForwardTable2"
BOTH_FAMILIES = 0  # AF_UNSPEC
# A MIB_IPFORWARD_ROW2, the same in 32-bit and 64-bit programs. Every address has the room of an IPv6 one:
# LUID 8, index 4, prefix address 28, its length 1 (+3), next hop 28, site prefix length 1 (+3), valid and preferred
# lifetime, metric and protocol 4 each, four flags, age 4, origin 4.
ROW = struct.Struct("<8xI28sB3x28s4xI4xII12x")
FIRST = 8  # where the rows begin: after their number, aligned for the LUID
UNSPECIFIED = ("0.0.0.0", "::")  # noqa: S104  # no next hop: the destination is on the link
NOT_FOUND = 1168
MOST = 1_000_000


def routes_in(data: bytes, alias: Callable[[int], str]) -> list[dict[str, Any]]:
    """The routes in the bytes of the rows; ``alias`` names the interface with a number."""
    if len(data) % ROW.size:
        raise not_understood(NAME)
    found = []
    for index, destination, prefix, hop, lifetime, metric, protocol in ROW.iter_unpack(data):
        gateway = address(hop)
        found.append(
            {
                "destination": address(destination),
                "prefix": prefix,
                "gateway": None if gateway in UNSPECIFIED else gateway,
                "interface": alias(index),
                "metric": metric,
                "protocol": protocol,
                "valid_lifetime": lifetime,
            }
        )
    return found


def routes() -> list[dict[str, Any]]:
    """Every route. The metric is the route's own; Windows adds the interface's, which follows the speed of the link."""
    ask = function("iphlpapi", NAME, ctypes.c_uint32, ctypes.c_uint16, ctypes.POINTER(ctypes.c_void_p))
    free = function("iphlpapi", "FreeMibTable", None, ctypes.c_void_p)
    table = ctypes.c_void_p()
    error = ask(BOTH_FAMILIES, ctypes.byref(table))
    try:
        if error == NOT_FOUND:  # no route at all
            return []
        if error:
            raise failed(NAME, error)
        if not table.value:
            raise not_understood(NAME)
        count = struct.unpack("<I", ctypes.string_at(table.value, 4))[0]
        if count > MOST:
            raise not_understood(NAME)
        data = ctypes.string_at(table.value + FIRST, count * ROW.size)
    finally:
        if table.value:
            free(table)
    return routes_in(data, Aliases(asked))


class Aliases:
    """The names of interfaces by their numbers, each asked for once; the number itself for one that has no name."""

    def __init__(self, row_of: Callable[[int], InterfaceRow]) -> None:
        self._row_of = row_of
        self._known: dict[int, str] = {}

    def __call__(self, index: int) -> str:
        """The name of the interface. By its number it is known to the programs route and netsh."""
        if index not in self._known:
            try:
                self._known[index] = self._row_of(index).alias or str(index)
            except CannotRead:  # it went away while we looked
                self._known[index] = str(index)
        return self._known[index]
