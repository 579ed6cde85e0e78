"""Network interfaces on Linux, each with its addresses."""

from __future__ import annotations

import re

from muster_agent.collect.interface_addresses import linux_addresses, linux_kind
from muster_agent.facts import InterfaceAddress, Table
from muster_agent.machine import CannotRead, Machine, NotFound

NOT_AN_INTERFACE = "bonding_masters"  # a file that the bonding driver puts among the interfaces
MAC = re.compile(r"^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$")
NOBODY = "00:00:00:00:00:00"


def mac(machine: Machine, interface: str) -> str | None:
    """The address of the card; null where it has none.

    NetworkManager gives a wireless card a new random address whenever it looks for networks: the card's own one
    stands at its radio, and holds still.
    """
    folder = f"{linux_kind.FOLDER}/{interface}"
    for path in (f"{folder}/phy80211/macaddress", f"{folder}/address"):
        found = machine.optional_text(path, linux_kind.SHORT).strip().lower()
        if MAC.match(found) and found != NOBODY:
            return found
    return None


def collect(machine: Machine) -> Table:
    """A row for every address of every interface, and one for an interface without any."""
    found, notes = linux_addresses.read(machine)
    rows = set()
    known = set(machine.listdir(linux_kind.FOLDER)) - {NOT_AN_INTERFACE}
    for interface in sorted(known | {address[0] for address in found}):
        own = [address for address in found if address[0] == interface]
        card, what = None, None
        try:
            what = linux_kind.of(machine, interface)
            card = mac(machine, interface) if what != "loopback" else None
        except NotFound as error:
            if not own:
                continue  # it went away while we looked
            notes.append(error.problem("type"))
        except CannotRead as error:
            notes.append(error.problem("type"))
            card = mac(machine, interface)
        rows |= {InterfaceAddress(interface, card, what, address, str(length)) for _, address, length in own}
        if not own:
            rows.add(InterfaceAddress(interface, card, what))
    return Table(rows=tuple(sorted(rows, key=lambda row: (row.interface or "", row.address or ""))), notes=tuple(notes))
