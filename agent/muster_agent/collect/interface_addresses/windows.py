"""The network interfaces of Windows and their addresses."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import Any

from muster_agent.collect.interface_addresses.windows_kind import kind
from muster_agent.facts import InterfaceAddress, Problem, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.windows_answer import records, text

NAME = "GetAdaptersAddresses"
MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")


def _addresses(adapter: dict[str, Any], notes: list[Problem]) -> list[tuple[Any, str | None]]:
    """(address, prefix length) of those that stay. Raises :class:`CannotRead` for an adapter of another shape."""
    found = []
    said = adapter.get("addresses") or []
    if not isinstance(said, list) or not all(isinstance(entry, dict) for entry in said):
        raise CannotRead("not_understood", f"{NAME}: addresses")
    for entry in said:
        if entry.get("temporary"):
            continue
        printed, prefix = str(entry.get("address")).partition("%")[0], entry.get("prefix")
        try:
            address = ipaddress.ip_address(printed)
        except ValueError:
            notes.append(CannotRead("not_understood", f"{NAME}: {printed[:80]}").problem("address"))
            continue
        known = type(prefix) is int and 0 <= prefix <= address.max_prefixlen
        found.append((address, str(prefix) if known else None))
    return found


def collect(machine: Machine) -> Table:
    """A row an address, and one for an interface that has none."""
    rows = []
    notes: list[Problem] = []
    for adapter in records(machine, NAME):
        addresses = _addresses(adapter, notes)
        connected = any(not address.is_link_local for address, _ in addresses)
        mac = str(adapter.get("mac") or "").lower()
        row = InterfaceAddress(
            interface=text(adapter, "name", NAME),
            mac=mac if MAC.fullmatch(mac) and mac.strip("0:") else None,
            type=kind(
                adapter.get("if_type"), str(adapter.get("description") or ""), adapter.get("connector"), connected
            ),
        )
        rows += [replace(row, address=str(address), mask=mask) for address, mask in addresses] or [row]
    return Table(rows=tuple(rows), notes=tuple(notes))
