"""Listening sockets as other programs print them: ss, netstat, lsof. For PCs that do not show /proc/net.

Each parser gives what was printed; :func:`socket_of` turns that into the machine's own row, which needs numbers.
"""

from __future__ import annotations

import ipaddress
import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Socket

PORT = re.compile(r"^[0-9]{1,5}$")
EVERYWHERE = {"ipv4": "0.0.0.0", "ipv6": "::"}  # noqa: S104 - what "*" stands for, nothing is bound


@dataclass(frozen=True)
class Printed:
    """A listening TCP socket or an unconnected UDP socket, as a program printed it."""

    protocol: str  # tcp or udp
    family: str | None  # ipv4 or ipv6; None when the program does not tell
    address: str  # without brackets; a name or "*" where the program printed one
    port: str  # a name where the program was not asked for numbers
    process: str | None  # name of the program, often cut; None when not printed
    whole: bool = True  # False: the column was too narrow for the address, so its end may be missing


def split(text: str) -> tuple[str, str]:
    """(address, port) of ``[::1]:22``, ``*:22``, ``127.0.0.53%lo:53``. Raises :class:`CannotRead`."""
    address, colon, port = text.rpartition(":")
    if not colon or not address or not port:
        raise CannotRead("not_understood", text[:80])
    return address.replace("[", "").replace("]", ""), port


def socket_of(printed: Printed) -> Socket:
    """The machine's row. Raises :class:`CannotRead` for a name in place of a number, and for a cut address."""
    said = f"{printed.protocol} {printed.address}:{printed.port}"[:80]
    address = printed.address.partition("%")[0]  # the device a socket is bound to; /proc does not tell it either
    if address == "*":
        address = EVERYWHERE.get(printed.family or "", "*")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError as error:
        raise CannotRead("not_understood", said) from error
    if not printed.whole or PORT.match(printed.port) is None or int(printed.port) > 65535:
        raise CannotRead("not_understood", said)
    family = "ipv4" if parsed.version == 4 else "ipv6"
    return Socket(printed.protocol, family, address, int(printed.port), printed.process, None)
