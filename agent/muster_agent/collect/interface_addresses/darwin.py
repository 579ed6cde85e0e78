"""The network interfaces of macOS and their addresses."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import Any

from muster_agent.facts import InterfaceAddress, Problem, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import plist

NAME = "getifaddrs"
NAMES = "/Library/Preferences/SystemConfiguration/NetworkInterfaces.plist"
# By name, where the kernel's drivers give one of their own.
BY_NAME = (
    (re.compile(r"^lo[0-9]"), "loopback"),
    (re.compile(r"^(utun|ipsec|gif|stf|tun|tap)[0-9]"), "tunnel"),
    (re.compile(r"^ppp[0-9]"), "mobile"),
    (re.compile(r"^(bridge|awdl|llw|ap|anpi|vmenet|vmnet|feth|bond|vlan|XHC|pktap)[0-9]"), "virtual"),
)
TETHERED = re.compile(r"iphone|ipad|android|rndis|modem", re.IGNORECASE)
WIRELESS = "IEEE80211"


def hardware(found: plist.Dictionary) -> dict[str, str]:
    """What each card is, by the system's own list of them."""
    kinds: dict[str, str] = {}
    listed = found.get("Interfaces")
    for entry in listed if isinstance(listed, list) else []:
        name = plist.text(entry, "BSD Name") if isinstance(entry, dict) else None
        if name is None:
            continue
        information = entry.get("SCNetworkInterfaceInfo")
        said = plist.text(information, "UserDefinedName") if isinstance(information, dict) else None
        if plist.text(entry, "SCNetworkInterfaceType") == WIRELESS:
            kinds[name] = "wireless"
        else:
            kinds[name] = "mobile" if TETHERED.search(said or "") else "ethernet"
    return kinds


def kind(name: str, cards: dict[str, str]) -> str | None:
    """What the interface is; None when neither its name nor the system's list tells."""
    for pattern, found in BY_NAME:
        if pattern.match(name):
            return found
    return cards.get(name)


def addresses(entry: dict[str, Any]) -> list[tuple[str, str | None]]:
    """(address, prefix length) of those that stay. Raises ``not_understood``."""
    found = []
    listed = entry.get("addresses") or []
    if not isinstance(listed, list) or not all(isinstance(said, dict) for said in listed):
        raise CannotRead("not_understood", f"{NAME}: addresses")
    for said in listed:
        if said.get("temporary"):
            continue
        text, prefix = str(said.get("address")).partition("%")[0], said.get("prefix")
        try:
            address = ipaddress.ip_address(text)
        except ValueError as error:
            raise CannotRead("not_understood", f"{NAME}: {text[:80]}") from error
        known = type(prefix) is int and 0 <= prefix <= address.max_prefixlen
        found.append((text, str(prefix) if known else None))
    return found


def collect(machine: Machine) -> Table:
    """A row an address, and one for an interface that has none."""
    notes: list[Problem] = []
    cards: dict[str, str] = {}
    try:
        cards = hardware(plist.read(machine, NAMES))
    except CannotRead as error:
        notes.append(error.problem("type"))
    said = machine.api(NAME)
    rows = []
    for entry in said if isinstance(said, list) else []:
        name = entry.get("interface") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(name, str) or not name:
            raise CannotRead("not_understood", NAME)
        mac = entry.get("mac")
        row = InterfaceAddress(interface=name, mac=mac if isinstance(mac, str) else None, type=kind(name, cards))
        rows += [replace(row, address=text, mask=mask) for text, mask in addresses(entry)] or [row]
    if not rows:
        raise CannotRead("not_understood", NAME)
    return Table(rows=tuple(rows), notes=tuple(notes))
