"""The addresses of a PC and of its way out, replaced so that networks stay networks.

What a recording shows of a network is which addresses lie in which: so the leading bits are replaced for all addresses
alike, and the last ones stay. Addresses of other hosts (update servers, time servers) are not the PC's and stay.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Iterable, Pattern, Union

from muster_agent.facts import Tables

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
# Each range with what takes its place: private ones stay private, the rest becomes addresses nobody has (RFC 2544,
# RFC 3849). Loopback, link-local and multicast addresses name no network.
IPV4 = (
    (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0", 16),
    (ipaddress.ip_network("172.16.0.0/12"), "172.16.0.0", 16),
    (ipaddress.ip_network("192.168.0.0/16"), "192.168.0.0", 24),
    (ipaddress.ip_network("0.0.0.0/0"), "198.18.0.0", 16),
)
IPV6 = (
    (ipaddress.ip_network("fc00::/7"), "fd00::", 48),
    (ipaddress.ip_network("2000::/3"), "2001:db8::", 32),
)


def instead(address: Address) -> Address | None:
    """What stands for ``address``; None for one that tells nothing."""
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return None
    if address.version == 4 and (int(address) >= 0xE0000000 or int(address) >> 24 == 0):
        return None
    for network, base, kept in IPV4 if address.version == 4 else IPV6:
        if address in network:
            bits = address.max_prefixlen
            low = int(address) & ((1 << (bits - kept)) - 1)
            replaced = type(address)(int(ipaddress.ip_address(base)) | low)
            return None if replaced == address else replaced
    return None


def without_card(address: Address, number: int) -> Address:
    """An IPv6 address whose second half is made from the number of the network card (RFC 4291, appendix A) gets
    ``number`` instead; any other stays."""
    if address.version == 4 or address.packed[11:13] != b"\xff\xfe":
        return address
    return ipaddress.IPv6Address(address.packed[:8] + number.to_bytes(8, "big"))


def own(tables: Tables) -> set[Address]:
    """The addresses of the interfaces with their networks, and the hosts and networks of the routes."""
    found: set[Address] = set()
    for row in _rows(tables, "interface_addresses"):
        if row.address and row.mask:
            try:
                network = ipaddress.ip_interface(f"{row.address}/{row.mask}").network
            except ValueError:
                continue
            found |= {network.network_address, network.broadcast_address}
        found |= set(_parsed([row.address]))
    for row in _rows(tables, "routes"):
        found |= set(_parsed([row.destination, row.gateway]))
    return found


def _rows(tables: Tables, name: str) -> tuple[Any, ...]:
    table = tables.get(name)
    return (table.rows if table is not None else None) or ()


def _parsed(texts: Iterable[str | None]) -> Iterable[Address]:
    for text in texts:
        if text:
            try:
                yield ipaddress.ip_address(text)
            except ValueError:
                continue


def spellings(address: Address) -> list[str]:
    """How an address stands in files and outputs: as people write it, and as /proc/net does (proc(5))."""
    if address.version == 4:
        return [str(address), address.packed[::-1].hex().upper()]
    words = b"".join(address.packed[at : at + 4][::-1] for at in range(0, 16, 4))
    return [str(address), address.exploded, address.packed.hex(), words.hex().upper()]


def replacements(tables: Tables) -> dict[str, str]:
    """Every spelling of an address of this PC, and what takes its place."""
    found: dict[str, str] = {}
    ordered = sorted(own(tables), key=lambda address: (address.version, int(address)))
    for number, address in enumerate(ordered, 1):
        other = without_card(instead(address) or address, number)
        if other != address:
            found.update(zip(spellings(address), spellings(other)))
    return found


def pattern(spelt: Iterable[str]) -> Pattern[str] | None:
    """What finds any of the spellings, longest first, and none of them inside a longer number or address. A port may
    stand behind a colon, except after an IPv6 address, where that would be another one."""
    ordered = sorted(spelt, key=len, reverse=True)
    with_colons = "|".join(re.escape(text) for text in ordered if ":" in text)
    others = "|".join(re.escape(text) for text in ordered if ":" not in text)
    ends = [f"(?:{with_colons})(?![0-9A-Za-z:])"] if with_colons else []
    ends += [f"(?:{others})(?![0-9A-Za-z]|\\.[0-9])"] if others else []
    return re.compile("(?<![0-9A-Za-z.:])(?:" + "|".join(ends) + ")") if ends else None
