"""What ``ipconfig /all`` prints, against our table of interfaces and their addresses.

The agent asks GetAdaptersAddresses, which ipconfig prints the answer of; it is handed to the collector in the shape of
that answer, and the rows are compared with what jc makes of the same output. Taking the output apart is the work of
this reader and none of the agent's, so rows that agree prove little: they do not count as right.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.collect.interface_addresses import windows
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import RecordedMachine, Recording

READS = {("windows", "misc")}
HEADING = re.compile(r"(\S.*?) adapter (.+):")
LINE = re.compile(r" {2,}([A-Za-z][A-Za-z0-9 /-]*?) *(?:\. ?)*: ?(.*)")
ADDRESS = re.compile(r"([0-9A-Fa-f:.]+)(?:%[0-9]+)?(?:\((?:Preferred|Deprecated|Duplicate|Tentative|Invalid)\))?")
CARD = re.compile(r"[0-9A-F]{2}(?:-[0-9A-F]{2})*")
# The kind of an adapter as ipconfig calls it, and its ifType.
KINDS = {"Ethernet": 6, "Wireless LAN": 71, "Tunnel": 131, "PPP": 23, "Mobile Broadband": 243}
OURS = ("IPv4 Address", "Autoconfiguration IPv4 Address", "IPv6 Address", "Link-local IPv6 Address")
TEMPORARY = "Temporary IPv6 Address"
# Everything else an adapter has. A line of another name is damaged, or of a Windows not known here.
OTHERS = (
    "Media State",
    "Connection-specific DNS Suffix",
    "Connection-specific DNS Suffix Search List",
    "DHCP Enabled",
    "Autoconfiguration Enabled",
    "Lease Obtained",
    "Lease Expires",
    "Default Gateway",
    "DHCP Server",
    "DHCPv6 IAID",
    "DHCPv6 Client DUID",
    "DNS Servers",
    "Primary WINS Server",
    "Secondary WINS Server",
    "NetBIOS over Tcpip",
    "Site-local IPv6 Address",
)
# Of one row: interface, card, address, prefix length of an IPv4 address.
Row = tuple[str, str | None, str | None, str | None]


def card(text: str | None) -> str | None:
    """The number of a card as the agent writes it; None where it is none."""
    mac = (text or "").replace("-", ":").lower()
    return mac if re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", mac) else None


def prefix_of(mask: str) -> int:
    """The prefix length of a mask. Raises ``ValueError``."""
    return ipaddress.ip_network(f"0.0.0.0/{mask}").prefixlen


def adapters(text: str) -> list[dict[str, Any]]:
    """What ipconfig printed, as GetAdaptersAddresses answers it; empty for another program or language.

    Raises ``ValueError`` for a line ipconfig does not print.
    """
    found: list[dict[str, Any]] = []
    name = ""
    for line in text.splitlines():
        heading, pair = HEADING.fullmatch(line.rstrip()), LINE.fullmatch(line.rstrip())
        if heading:
            kind = KINDS.get(heading.group(1))
            found.append({"name": heading.group(2), "if_type": kind, "up": True, "connector": None, "addresses": []})
        elif not found or not line.strip():
            continue
        elif pair:
            name = pair.group(1)
            take(found[-1], name, pair.group(2))
        elif line.startswith(" " * 20):
            take(found[-1], name, line.strip())  # a further value of the same name
        else:
            raise ValueError(line)
    for adapter in found:
        if "description" not in adapter or "mac" not in adapter:
            raise ValueError(f"{adapter['name']}: cut short")
        if any(entry["prefix"] is None for entry in adapter["addresses"] if "." in entry["address"]):
            raise ValueError(f"{adapter['name']}: an address without mask")
    return found


def take(adapter: dict[str, Any], name: str, value: str) -> None:
    """One value of an adapter. Raises ``ValueError`` for one that is not understood."""
    if name == "Description":
        adapter["description"] = value
    elif name == "Physical Address" and CARD.fullmatch(value):
        adapter["mac"] = card(value)
    elif name in (*OURS, TEMPORARY):
        address = ADDRESS.fullmatch(value)
        if address is None:
            raise ValueError(f"{name}: {value}")
        entry = {"address": address.group(1), "prefix": None, "temporary": name == TEMPORARY}
        adapter["addresses"].append(entry)
    elif name == "Subnet Mask":
        if not adapter["addresses"] or "." not in adapter["addresses"][-1]["address"]:
            raise ValueError(f"{name}: {value}")
        adapter["addresses"][-1]["prefix"] = prefix_of(value)
    elif name not in OTHERS:
        raise ValueError(f"{name}: {value}")


def of_jc(said: dict[str, Any]) -> set[Row]:
    """The rows that jc states. Its prefix_length of an IPv6 address is the zone, which is none."""
    rows: set[Row] = set()
    for adapter in said["adapters"]:
        head = (adapter["name"], card(adapter["physical_address"]))
        four = [(one["address"], str(prefix_of(one["subnet_mask"]))) for one in adapter["ipv4_addresses"]]
        six = [one["address"] for one in (*adapter["ipv6_addresses"], *adapter["link_local_ipv6_addresses"])]
        rows |= {(*head, address, prefix) for address, prefix in four}
        rows |= {(*head, str(ipaddress.ip_address(address.partition("%")[0])), None) for address in six}
        if not four and not six:
            rows.add((*head, None, None))
    return rows


def ours(found: list[dict[str, Any]]) -> set[Row]:
    """Our rows of these adapters."""
    apis: dict[tuple[str, ...], Any] = {("GetAdaptersAddresses",): found}
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, apis=apis)
    table = windows.collect(RecordedMachine(recording))
    return {(row.interface, row.mac, row.address, row.mask) for row in table.rows or ()}


def result(entry: Entry) -> Result:
    """The verdict on one output."""
    found = adapters(entry.text())
    if not found:
        return Result(entry.file, UNKNOWN, "no adapters in it, or in another language")
    rows = ours(found)
    stated = entry.path.with_suffix(".json")
    if not stated.is_file():
        return Result(entry.file, UNSTATED, f"{len(rows)} rows")
    said = json.loads(stated.read_text("utf-8"))
    if {adapter["name"] for adapter in found} != {adapter["name"] for adapter in said["adapters"]}:
        return Result(entry.file, UNKNOWN, "the output is damaged: other adapters than stated")
    wanted = of_jc(said)
    printed = sum(not entry["temporary"] for adapter in found for entry in adapter["addresses"])
    if printed < sum(row[2] is not None for row in wanted):
        return Result(entry.file, UNKNOWN, "the output is damaged: fewer addresses than stated")
    if rows != wanted and not entry.text().endswith("\n"):
        return Result(entry.file, UNKNOWN, "the output is cut short")
    return Result(entry.file, UNSTATED if rows == wanted else WRONG, f"{sorted(rows ^ wanted, key=str)}"[:300])


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """The verdicts on the raw files."""
    for entry in entries:
        if entry.kind != "raw":
            continue
        if "ipconfig" not in entry.path.name:
            yield Result(entry.file, UNKNOWN, "the agent has no use for this output")
            continue
        try:
            yield result(entry)
        except (ValueError, KeyError, TypeError, CannotRead) as error:
            yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}")
