"""Ways out of a Mac: the routing tables as ``netstat -rn`` prints them (netstat(1))."""

from __future__ import annotations

import ipaddress
import re

from muster_agent.facts import Route, Table
from muster_agent.machine import CannotRead, Machine, program_failed

NETSTAT = ["/usr/sbin/netstat", "-rn"]
SECTIONS = {"Internet:": 4, "Internet6:": 6}
# macOS gives every tunnel of its own services a default route to the bare prefix, behind which nobody is.
NOWHERE = "fe80::%"
GATEWAY, CLONED, LINK_LAYER = "G", "W", "L"
DEFAULT = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - the destination of a default route, nothing is bound


def network(text: str, version: int) -> tuple[str, int]:
    """(destination, prefix length): ``10.1`` is 10.1.0.0/16, the zeroes at the end are left out. Raises ValueError."""
    if text == "default":
        return DEFAULT[version], 0
    address, _, prefix = text.partition("/")
    address = re.sub(r"%[^/]*", "", address)
    if version == 4:
        parts = address.split(".")
        address = ".".join(parts + ["0"] * (4 - len(parts)))
        length = int(prefix) if prefix else 32 if len(parts) == 4 else 8 * len(parts)
    else:
        length = int(prefix) if prefix else 128
    found = ipaddress.ip_network(f"{address}/{length}", strict=False)
    return str(found.network_address), found.prefixlen


def row(line: str, version: int) -> Route | None:
    """The route of a line; None for one that leads to the PC's own network or was learnt for a while."""
    fields = line.split()
    try:
        flags, interface = fields[2], next(field for field in fields[3:] if not field.isdigit())
        if GATEWAY not in flags and fields[0] != "default":
            return None
        if CLONED in flags or LINK_LAYER in flags:
            return None
        destination, netmask = network(fields[0], version)
        if fields[1].startswith(NOWHERE):
            return None
        gateway: str | None = None
        if not fields[1].startswith("link#") and GATEWAY in flags:
            gateway = str(ipaddress.ip_address(fields[1].partition("%")[0]))
    except (IndexError, ValueError, StopIteration) as error:
        raise CannotRead("not_understood", f"netstat -rn: {line.strip()[:80]}") from error
    return Route(destination, netmask, gateway, interface, None)


def parse(said: str) -> list[Route]:
    """The default routes and those over a gateway. Raises ``not_understood``."""
    version = 0
    rows = []
    for line in said.split("\n"):
        if line.strip() in SECTIONS:
            version = SECTIONS[line.strip()]
        elif version and line.strip() and not line.startswith("Destination"):
            found = row(line, version)
            rows += [] if found is None else [found]
    if not version:
        raise CannotRead("not_understood", "netstat -rn")
    return rows


def collect(machine: Machine) -> Table:
    """The routes of both families. macOS orders its services instead of giving routes a cost."""
    output = machine.run(NETSTAT)
    if output.status != 0:
        raise program_failed(NETSTAT, output.status, output.stderr)
    return Table(rows=tuple(sorted(set(parse(output.stdout.decode("utf-8", "replace"))), key=str)))
