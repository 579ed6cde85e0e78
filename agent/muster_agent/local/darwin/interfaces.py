"""The network interfaces and their addresses: getifaddrs(3)."""

from __future__ import annotations

import ctypes
import sys
from ctypes import c_char_p, c_int, c_uint, c_void_p
from typing import Any, Callable, Iterator

from muster_agent.local.darwin import sockaddr
from muster_agent.local.darwin.libsystem import function, last_error, not_here, text
from muster_agent.machine import CannotRead

NAME = "getifaddrs"
MOST = 100_000  # links of the list: one that leads in a circle must end
# netinet6/in6_var.h: SIOCGIFAFLAG_IN6 is _IOWR('i', 73, struct in6_ifreq), a name of 16 bytes and room for 272 more.
FLAGS_OF_ADDRESS = 0xC1206949
REQUEST = 288
TEMPORARY = 0x0080  # IN6_IFF_TEMPORARY


class Entry(ctypes.Structure):
    """struct ifaddrs."""

    _fields_ = [  # ctypes wants a list
        ("next", c_void_p),
        ("name", c_char_p),
        ("flags", c_uint),
        ("address", c_void_p),
        ("netmask", c_void_p),
        ("destination", c_void_p),
        ("data", c_void_p),
    ]


def linked(start: int | None) -> Iterator[Any]:
    """The entries of a list that begins at the address ``start``."""
    for _ in range(MOST):
        if not start:
            return
        entry = Entry.from_address(start)
        yield entry
        start = entry.next
    raise CannotRead("not_understood", NAME)


def sockaddr_at(where: int | None) -> bytes:
    """The socket address in memory at ``where``, as long as its first byte says."""
    if not where:
        return b""
    return ctypes.string_at(where, max(2, ctypes.string_at(where, 1)[0]))


def interfaces_in(start: int | None, temporary: Callable[[str, bytes], bool | None]) -> list[dict[str, Any]]:
    """The interfaces of the list that begins at ``start``; ``temporary`` tells of an IPv6 address whether it is."""
    found: dict[str, dict[str, Any]] = {}
    for entry in linked(start):
        name = text(entry.name or b"")
        one = found.setdefault(name, {"interface": name, "mac": None, "addresses": [], "flags": entry.flags})
        data = sockaddr_at(entry.address)
        one["mac"] = one["mac"] or sockaddr.mac(data)
        address = sockaddr.address(data)
        if address is None:
            continue
        family = sockaddr.family(data)
        one["addresses"].append(
            {
                "address": address,
                "prefix": sockaddr.prefix(sockaddr_at(entry.netmask), family),
                "temporary": temporary(name, data) if family == sockaddr.AF_INET6 else False,
            }
        )
    return list(found.values())


def temporary_by(request: Callable[[bytes], bytes]) -> Callable[[str, bytes], bool | None]:
    """Whether an address is a temporary one (RFC 8981), by what ``request`` fills in; None where it tells nothing."""

    def temporary(name: str, data: bytes) -> bool | None:
        asked = name.encode("utf-8", "replace")[:15].ljust(16, b"\0") + data
        try:
            told = request(asked.ljust(REQUEST, b"\0")[:REQUEST])
        except OSError:  # the address went away while we looked
            return None
        return bool(int.from_bytes(told[16:20], "little") & TEMPORARY)

    return temporary


def interfaces() -> list[dict[str, Any]]:
    """Every interface with its addresses."""
    if sys.platform != "darwin":
        raise not_here(NAME)
    import fcntl
    import socket

    ask = function(NAME, c_int, ctypes.POINTER(c_void_p))
    free = function("freeifaddrs", None, c_void_p)
    start = c_void_p()
    if ask(ctypes.byref(start)):
        raise last_error(NAME)
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asker:
            return interfaces_in(
                start.value, temporary_by(lambda asked: fcntl.ioctl(asker.fileno(), FLAGS_OF_ADDRESS, asked))
            )
    finally:
        free(start)
