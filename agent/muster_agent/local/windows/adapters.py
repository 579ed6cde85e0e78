"""The network interfaces and their addresses: GetAdaptersAddresses (iptypes.h). Everybody may ask."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_uint8, c_uint32, c_uint64, c_void_p, c_wchar_p
from typing import Any, Callable, Iterator

from muster_agent.local.windows.interface_row import InterfaceRow, asked
from muster_agent.local.windows.libraries import failed, function
from muster_agent.local.windows.sockaddr import address
from muster_agent.machine import CannotRead

NAME = "GetAdaptersAddresses"
BOTH_FAMILIES = 0  # AF_UNSPEC
LEAVE_OUT = 0x0002 | 0x0004 | 0x0008  # GAA_FLAG_SKIP_ANYCAST, _MULTICAST, _DNS_SERVER
BUFFER_OVERFLOW, NO_DATA = 111, 232
UP = 1  # IfOperStatusUp
RANDOM = 5  # IpSuffixOriginRandom: a temporary address, which changes by itself
MOST = 10_000  # links of a list: one that leads in a circle must end


class SocketAddress(ctypes.Structure):
    """SOCKET_ADDRESS. A structure of its own: in a 64-bit program four bytes of padding end it."""

    _fields_ = [("address", c_void_p), ("length", c_int32)]


class UnicastAddress(ctypes.Structure):
    """IP_ADAPTER_UNICAST_ADDRESS_LH."""

    _fields_ = [  # ctypes wants a list
        ("length_and_flags", c_uint64),
        ("next", c_void_p),
        ("socket_address", SocketAddress),
        ("prefix_origin", c_int32),
        ("suffix_origin", c_int32),
        ("dad_state", c_int32),
        ("valid_lifetime", c_uint32),
        ("preferred_lifetime", c_uint32),
        ("lease_lifetime", c_uint32),
        ("prefix_length", c_uint8),
    ]


class Adapter(ctypes.Structure):
    """The beginning of IP_ADAPTER_ADDRESSES_LH."""

    _fields_ = [  # ctypes wants a list
        ("length", c_uint32),
        ("index", c_uint32),
        ("next", c_void_p),
        ("adapter_name", c_void_p),
        ("unicast", c_void_p),
        ("anycast", c_void_p),
        ("multicast", c_void_p),
        ("dns_servers", c_void_p),
        ("dns_suffix", c_void_p),
        ("description", c_wchar_p),
        ("friendly_name", c_wchar_p),
        ("physical_address", c_uint8 * 8),
        ("physical_address_length", c_uint32),
        ("flags", c_uint32),
        ("mtu", c_uint32),
        ("type", c_uint32),
        ("status", c_int32),
        ("index_v6", c_uint32),
    ]


def linked(start: int | None, layout: type[Any]) -> Iterator[Any]:
    """The structures of a list that begins at the address ``start``."""
    for _ in range(MOST):
        if not start:
            return
        entry = layout.from_address(start)
        yield entry
        start = entry.next
    raise CannotRead("not_understood", NAME)


def unicast(entry: Any) -> dict[str, Any]:
    """One address of an interface."""
    where = entry.socket_address
    return {
        "address": address(ctypes.string_at(where.address, where.length)),
        "prefix": entry.prefix_length,
        "temporary": entry.suffix_origin == RANDOM,
    }


def adapter(entry: Any, row_of: Callable[[int], InterfaceRow]) -> dict[str, Any]:
    """One interface with its addresses; ``row_of`` asks for more about the one with a number."""
    try:
        connector: bool | None = row_of(entry.index or entry.index_v6).connector
    except CannotRead:  # it went away while we looked, or this Windows does not tell
        connector = None
    card = bytes(entry.physical_address)[: entry.physical_address_length]
    return {
        "name": entry.friendly_name or "",
        "description": entry.description or "",
        "if_type": entry.type,
        "mac": ":".join(format(byte, "02x") for byte in card) if len(card) == 6 and any(card) else None,
        "up": entry.status == UP,
        "connector": connector,
        "addresses": [unicast(each) for each in linked(entry.unicast, UnicastAddress)],
    }


def adapters() -> list[dict[str, Any]]:
    """Every interface."""
    ask = function("iphlpapi", NAME, c_uint32, c_uint32, c_uint32, c_void_p, c_void_p, c_void_p)
    size = c_uint32(32 * 1024)
    for _ in range(5):  # one that appears between two calls makes the list longer than was asked for
        buffer = ctypes.create_string_buffer(size.value)
        error = ask(BOTH_FAMILIES, LEAVE_OUT, None, buffer, ctypes.byref(size))
        if error != BUFFER_OVERFLOW:
            break
    if error == NO_DATA:
        return []
    if error:
        raise failed(NAME, error)
    return [adapter(entry, asked) for entry in linked(ctypes.addressof(buffer), Adapter)]
