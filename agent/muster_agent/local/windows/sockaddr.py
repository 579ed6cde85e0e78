"""Addresses as Windows writes them: SOCKADDR_IN, SOCKADDR_IN6 and the SOCKADDR_INET that is either (ws2ipdef.h)."""

from __future__ import annotations

import socket

from muster_agent.machine import CannotRead

# The numbers of Windows's headers; AF_INET6 has another one on every system.
AF_INET, AF_INET6 = 2, 23


def address(data: bytes) -> str:
    """The address in a socket address. Raises :class:`CannotRead` for one that is neither IPv4 nor IPv6."""
    family = int.from_bytes(data[:2], "little")
    if family == AF_INET and len(data) >= 8:  # family, port, four bytes
        return socket.inet_ntop(socket.AF_INET, data[4:8])
    if family == AF_INET6 and len(data) >= 24:  # family, port, flow, sixteen bytes
        return socket.inet_ntop(socket.AF_INET6, data[8:24])
    raise CannotRead("not_understood", f"socket address of family {family}")
