r"""Firewalls of other makers, as they are registered with Windows's security centre.

The registration is not the firewall: entries outlive the product they belong to. So one counts as filtering only while
the security centre itself runs (it keeps the state current) and the program it names is there.
"""

from __future__ import annotations

import re

from muster_agent.facts import Firewall, Problem
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.registry_setting import required, text
from muster_agent.system.windows_answer import runs

REGISTERED = r"HKLM\SOFTWARE\Microsoft\Security Center\Provider\Fw"
# STATE is the productState of WMI (endpoints.md §1.1): compare the masked value, never single bits.
STATES = {0x0000: "off", 0x1000: "on", 0x2000: "snoozed", 0x3000: "expired"}
MICROSOFT = 0x0100
# A path whose file can be looked for: of a drive, without %variables%.
PROGRAM = re.compile(r'[A-Za-z]:\\[^"%*?<>|]{1,260}\.exe', re.IGNORECASE)


def _is_there(machine: Machine, key: str) -> bool:
    """Whether the program of a registered product is on the disk. Raises :class:`CannotRead` when that is not known."""
    paths = [(text(machine, key, name) or "").strip().strip('"') for name in ("PRODUCTEXE", "REPORTINGEXE")]
    known = [path for path in paths if PROGRAM.fullmatch(path)]
    if not known:
        raise CannotRead("program_not_named", paths[0] or key)
    return any(machine.exists(path) for path in known)


def _filters(machine: Machine, key: str, state: str) -> bool:
    """Whether it filters now."""
    if state != "on" or not _is_there(machine, key):
        return False
    if not runs(machine, "wscsvc"):
        raise CannotRead("security_center_off", "wscsvc")
    return True


def registered(machine: Machine, notes: list[Problem]) -> list[Firewall]:
    """A row a product; ``inbound`` is null, for no product tells."""
    found: dict[str, set[tuple[bool | None, str]]] = {}
    for name in machine.subkeys(REGISTERED):
        key = f"{REGISTERED}\\{name}"
        try:
            product = required(machine, key, "STATE")
            if product & 0x0F00 == MICROSOFT:
                continue  # Windows's own, of which the profiles speak
            state = STATES.get(product & 0xF000)
            if state is None:
                raise CannotRead("not_understood", f"STATE={product:#x}")
        except CannotRead as error:
            notes.append(error.problem())
            continue
        filters: bool | None
        try:
            filters = _filters(machine, key, state)
        except CannotRead as error:
            filters = None
            notes.append(error.problem("enabled"))
        display = text(machine, key, "DISPLAYNAME") or name
        found.setdefault(display, set()).add((filters, f"security center:{state}"))
    rows = []
    for display, states in found.items():
        # A product that is registered twice with two states: one entry is left over from an earlier version.
        filters = next(iter(states))[0] if len({filters for filters, _ in states}) == 1 else None
        if len({filters for filters, _ in states}) > 1:
            notes.append(Problem("error", "registered_twice", display, "enabled"))
        rows.append(Firewall(name=display, enabled=filters, basis=" ".join(sorted({basis for _, basis in states}))))
    if rows:
        notes.append(Problem("unsupported", "product_not_asked", ", ".join(sorted(found))[:200], "inbound"))
    return rows
