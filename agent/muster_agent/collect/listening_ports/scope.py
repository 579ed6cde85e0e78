"""The table of listening sockets, the same on every system: what the machine saw, and who can reach each."""

from __future__ import annotations

import ipaddress

from muster_agent.facts import ListeningPort, Problem, Table
from muster_agent.machine import CannotRead, Listing


def scope(address: str) -> str:
    """Who can reach a socket bound to ``address``: this PC only, the local segment, or everyone. Raises
    ``not_understood`` for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError as error:
        raise CannotRead("not_understood", address[:80]) from error
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.is_loopback:
        return "loopback"
    # A router passes on neither link-local addresses nor the multicast groups of one segment (RFC 5771, RFC 4291).
    segment = "224.0.0.0/24" if parsed.version == 4 else "ff02::/16"
    if parsed.is_link_local or parsed in ipaddress.ip_network(segment):
        return "link"
    return "network"


def table(listing: Listing) -> Table:
    """Every listening TCP socket and every UDP socket without a fixed peer."""
    rows = {
        ListeningPort(
            protocol=socket.protocol,
            family=socket.family,
            address=address,
            port=socket.port,
            scope=scope(address),
            process=socket.process,
            path=socket.path,
        )
        for socket in listing.rows
        # fe80::1%12: the number of the interface is no part of the address, and changes by itself.
        for address in [socket.address.partition("%")[0]]
    }
    notes = []
    if listing.problem is not None:
        why = listing.problem
        notes = [Problem(why.status, why.code, why.detail, column) for column in ("path", "process")]
    return Table(
        rows=tuple(sorted(rows, key=lambda row: (row.port, row.protocol, row.address, row.path or ""))),
        notes=tuple(notes),
    )
