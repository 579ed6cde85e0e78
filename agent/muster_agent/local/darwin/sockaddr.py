"""Addresses as macOS writes them: the length first, then the family (sys/socket.h, netinet6/in6.h, net/if_dl.h)."""

from __future__ import annotations

import socket

from muster_agent.machine import CannotRead

# The numbers of macOS's headers; AF_INET6 has another one on every system.
AF_INET, AF_LINK, AF_INET6 = 2, 18, 30


def family(data: bytes) -> int:
    """The family of a socket address."""
    return data[1] if len(data) > 1 else 0


def address(data: bytes) -> str | None:
    """The address in a socket address; None for one that is neither IPv4 nor IPv6."""
    if family(data) == AF_INET and len(data) >= 8:  # length, family, port, four bytes
        return socket.inet_ntop(socket.AF_INET, data[4:8])
    if family(data) == AF_INET6 and len(data) >= 24:  # length, family, port, flow, sixteen bytes
        found = data[8:24]
        # The kernel keeps the number of the interface inside a link-local address.
        if found[0] == 0xFE and found[1] & 0xC0 == 0x80:
            found = found[:2] + b"\0\0" + found[4:]
        return socket.inet_ntop(socket.AF_INET6, found)
    return None


def prefix(data: bytes, of_family: int) -> int:
    """The prefix length of a netmask of an address ``of_family``.

    The mask is cut behind its last byte that is not 0, and may have no family of its own. Raises :class:`CannotRead`
    for one that is no prefix.
    """
    begin, size = (4, 4) if of_family == AF_INET else (8, 16)
    mask = int.from_bytes(data[begin : begin + size].ljust(size, b"\0"), "big")
    bits = size * 8
    length = bin(mask).count("1")
    if mask != ((1 << length) - 1) << (bits - length):
        raise CannotRead("not_understood", "netmask")
    return length


def mac(data: bytes) -> str | None:
    """The card's address in a sockaddr_dl: length, family, index (2), type, and three lengths, then name and address;
    None where it has none."""
    if family(data) != AF_LINK or len(data) < 8:
        return None
    name_length, size = data[5], data[6]
    card = data[8 + name_length : 8 + name_length + size]
    return ":".join(format(byte, "02x") for byte in card) if len(card) == size == 6 and any(card) else None
