"""The names and addresses a certificate is for, as text: ``muster.office.lan``, ``10.0.0.5``, ``fd00::5``."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

from muster_agent.collect import collect_table
from muster_agent.local import LocalMachine
from muster_server.tls import Refused

LOOPBACK = ("localhost", "127.0.0.1", "::1")
MOST = 100  # names in one certificate: a larger one would grow every handshake
# Underscores are no part of a host name on the internet, and are in the names of many Windows machines.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def checked(host: str) -> str:
    """The host in its one form: lower case, an address as short as it can be. Raises :class:`Refused`.

    An address of a link and an interface (fe80::1%eth0) is none for a certificate.
    """
    found = host.strip().lower()
    address = _address(found)
    if address is not None:
        if address.is_unspecified or address.is_multicast or address.is_link_local:
            raise Refused("tls.bad_host", host=host)
        return str(address)
    labels = found.split(".")
    # What ends in a number is an address that came out wrong, never a name (RFC 3696 §2).
    if len(found) > 253 or labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused("tls.bad_host", host=host)
    return found


def all_checked(hosts: Iterable[str]) -> tuple[str, ...]:
    """Each host once, in the order given. Raises :class:`Refused`."""
    found = tuple(dict.fromkeys(checked(host) for host in hosts))
    if not found:
        raise Refused("tls.no_hosts")
    if len(found) > MOST:
        raise Refused("tls.many_hosts", count=len(found), most=MOST)
    return found


def of_this_machine() -> tuple[str, ...]:
    """This machine's name and its addresses, as its system tells them; without loopback."""
    rows = collect_table(LocalMachine(), "interface_addresses").rows or ()
    asked = [socket.gethostname(), *(str(getattr(row, "address", None) or "") for row in rows)]
    found: dict[str, None] = {}
    for one in asked:
        try:
            host = checked(one)
        except Refused:
            continue  # a link's own address, or a name that could not stand in a certificate
        if not loopback(host):
            found[host] = None
    return tuple(found)[: MOST - len(LOOPBACK)]


def loopback(host: str) -> bool:
    """Whether a checked host is this machine seen from itself."""
    address = _address(host)
    return host.partition(".")[0] == "localhost" if address is None else address.is_loopback


def covers(names: Iterable[str], host: str) -> bool:
    """Whether a certificate with these names is one for ``host``: by name, by address, or by a leading ``*`` label."""
    parent = "*." + host.partition(".")[2]
    return any(name == host or (name == parent and _address(host) is None) for name in names)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
