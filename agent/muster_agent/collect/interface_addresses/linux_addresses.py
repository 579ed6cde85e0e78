"""The addresses of the interfaces, as Linux tells them.

``ip`` is the better main source for IPv4: /proc/net/fib_trie lists the local addresses, but neither their interfaces
nor those of an interface that is down, so it stands in only where there is no ``ip``. IPv6 is in /proc/net/if_inet6.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from typing import List, Tuple

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import procfs, programs

TRIE, ROUTES, INET6 = "/proc/net/fib_trie", "/proc/net/route", "/proc/net/if_inet6"
TEMPORARY = 0x01  # include/uapi/linux/if_addr.h: IFA_F_TEMPORARY
# 2: eth0    inet 192.0.2.2/24 brd 192.0.2.255 …, and with a peer: inet 10.0.0.1 peer 10.0.0.2/32
PRINTED = re.compile(r"^[0-9]{1,10}: (\S+) +inet ([0-9.]{7,15})(?: peer [0-9.]{7,15})?/([0-9]{1,2}) ")
LOCAL = re.compile(r"\|-- ([0-9.]{7,15})\n +/32 host LOCAL\b")
GATEWAY = 0x2  # include/uapi/linux/route.h: RTF_GATEWAY

# (interface, address, length of the prefix)
Address = Tuple[str, str, int]
Addresses = List[Address]


def printed(text: str) -> Addresses:
    """The addresses in the text of ``ip -4 -o addr show``. Raises :class:`CannotRead` for a line that is none."""
    found = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        match = PRINTED.match(line)
        if match is None or not _is_network(f"{match.group(2)}/{match.group(3)}"):
            raise CannotRead("not_understood", f"ip: {line.strip()[:80]}")
        found.append((match.group(1).partition("@")[0], match.group(2), int(match.group(3))))
    return found


def _is_network(text: str) -> bool:
    try:
        return bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False


def ipv6(digits: str) -> str:
    """An address of /proc/net/if_inet6 or ipv6_route: 32 digits in the order of the network, whatever the machine's."""
    if len(digits) != 32:
        raise ValueError(digits)
    return procfs.address(digits, "big")


def inet6(text: str) -> Addresses:
    """The addresses in the text of /proc/net/if_inet6 without temporary ones (RFC 8981), which change by themselves."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        try:
            if int(fields[4], 16) & TEMPORARY:
                continue
            address, length = ipv6(fields[0]), int(fields[2], 16)
            if not 0 <= length <= 128:
                raise ValueError(fields[2])
            found.append((fields[5], address, length))
        except (IndexError, ValueError) as error:
            raise CannotRead("not_understood", f"{INET6}: {line.strip()[:80]}") from error
    return found


def of_trie(trie: str, routes: str) -> tuple[Addresses, list[str]]:
    """(the IPv4 addresses whose interface is certain, the others) by the routes to the networks of the interfaces."""
    networks = [(ipaddress.ip_network("127.0.0.0/8"), "lo")]
    for line in routes.splitlines()[1:]:
        fields = line.split()
        try:
            if int(fields[3], 16) & GATEWAY or fields[7] == "00000000":
                continue
            base, mask = procfs.address(fields[1]), procfs.address(fields[7])
            networks.append((ipaddress.ip_network(f"{base}/{mask}"), fields[0]))
        except (IndexError, ValueError) as error:
            raise CannotRead("not_understood", f"{ROUTES}: {line.strip()[:80]}") from error
    certain, others = [], []
    for text in sorted(set(LOCAL.findall(trie))):
        if not _is_network(text):
            raise CannotRead("not_understood", f"{TRIE}: {text}")
        address = ipaddress.ip_address(text)
        found = {(interface, network.prefixlen) for network, interface in networks if address in network}
        if len(found) == 1:
            [(interface, length)] = found
            certain.append((interface, text, length))
        else:
            others.append(text)
    return certain, others


def read(machine: Machine) -> tuple[Addresses, list[Problem]]:
    """The addresses of every interface, and what could not be read. Raises :class:`CannotRead`."""
    notes: list[Problem] = []
    try:
        found = printed(programs.text(machine, "ip", "-4", "-o", "addr", "show"))
    except CannotRead as error:
        found, others = of_trie(machine.text(TRIE), machine.text(ROUTES))
        notes = [Problem("error", "address_without_interface", address) for address in others]
        missing = isinstance(error, NotFound)
        notes.append(Problem("error", "no_ip_program", error.detail) if missing else error.problem())
    with contextlib.suppress(NotFound):  # a kernel without IPv6
        found += inet6(machine.text(INET6))
    return found, notes
