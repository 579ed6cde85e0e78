"""Ways out of a Linux PC, from the kernel's main routing tables in /proc/net."""

from __future__ import annotations

import contextlib
import ipaddress

from muster_agent.collect.interface_addresses import linux_addresses
from muster_agent.facts import Route, Table
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import procfs

IPV4, IPV6 = "/proc/net/route", "/proc/net/ipv6_route"
# include/uapi/linux/route.h and ipv6_route.h
GATEWAY, DYNAMIC, MODIFIED, REJECT = 0x2, 0x10, 0x20, 0x200
ADDRCONF, EXPIRES, CACHE = 0x40000, 0x400000, 0x1000000
# Not a way out, or learnt for a while: by an ICMP redirect, or from a router that announces a lifetime (RFC 4861).
NOT_ONE = REJECT | DYNAMIC | MODIFIED | CACHE
NOWHERE = "*"  # the interface of an IPv4 route of the type blackhole
ANNOUNCED = ADDRCONF | EXPIRES


def ipv4(text: str) -> list[Route]:
    """The default routes and those over a gateway in the text of /proc/net/route."""
    rows = []
    heading, *lines = text.splitlines() or [""]
    if text and not heading.startswith("Iface"):  # nothing at all stands there before the first address was set
        raise CannotRead("not_understood", f"{IPV4}: {heading.strip()[:80]}")
    for line in lines:
        fields = line.split()
        if not fields:
            continue
        try:
            flags, gateway = int(fields[3], 16), procfs.address(fields[2])
            network = ipaddress.IPv4Network(f"{procfs.address(fields[1])}/{procfs.address(fields[7])}")
            metric = int(fields[6][:20])
            if metric < 0 or flags < 0:
                raise ValueError(line)
        except (IndexError, ValueError) as error:
            raise CannotRead("not_understood", f"{IPV4}: {line.strip()[:80]}") from error
        if fields[0] == NOWHERE or flags & NOT_ONE or not (flags & GATEWAY or network.prefixlen == 0):
            continue
        hop = gateway if flags & GATEWAY else None
        rows.append(Route(str(network.network_address), network.prefixlen, hop, fields[0], metric))
    return rows


def ipv6(text: str) -> list[Route]:
    """The default routes and those over a gateway in the text of /proc/net/ipv6_route."""
    rows = []
    for line in text.splitlines():
        fields = line.split()
        if not fields:
            continue
        try:
            destination, gateway = (linux_addresses.ipv6(fields[at]) for at in (0, 4))
            length, metric, flags = (int(fields[at], 16) for at in (1, 5, 8))
            interface = fields[9]
            if not 0 <= length <= 128 or metric < 0 or flags < 0:
                raise ValueError(line)
        except (IndexError, ValueError) as error:
            raise CannotRead("not_understood", f"{IPV6}: {line.strip()[:80]}") from error
        if flags & (NOT_ONE | ANNOUNCED) or not (flags & GATEWAY or (length == 0 and destination == "::")):
            continue
        rows.append(Route(destination, length, gateway if flags & GATEWAY else None, interface, metric))
    return rows


def collect(machine: Machine) -> Table:
    """The routes of both families."""
    rows = ipv4(machine.text(IPV4))
    with contextlib.suppress(NotFound):  # a kernel without IPv6
        rows += ipv6(machine.text(IPV6))
    return Table(rows=tuple(sorted(set(rows), key=lambda row: [str(value) for value in vars(row).values()])))
