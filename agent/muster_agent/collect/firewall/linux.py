"""The host firewalls of a Linux PC. What the kernel's rules do, root alone may see; without root the programs that set
them are asked, and a note says that the rules were not checked.

An empty table means that nothing filters, and stands only where that could be seen.
"""

from __future__ import annotations

from typing import Callable, List, Optional

from muster_agent.collect.firewall import linux_programs, linux_rules
from muster_agent.collect.firewall.linux_rules import ORIGINS, Rules
from muster_agent.facts import Firewall, Problem, Table
from muster_agent.machine import CannotRead, Machine

Asked = Callable[[Machine, Optional[Rules], List[Problem]], List[Firewall]]
PROGRAMS: tuple[Asked, ...] = (
    linux_programs.of_ufw,
    linux_programs.of_firewalld,
    linux_programs.of_ksc_defender,
    linux_programs.of_loaders,
)


def seen(machine: Machine, notes: list[Problem]) -> Rules | None:
    """The kernel's rules, or None with a note that says that firewalls may be missing."""
    try:
        if machine.privileged():
            return linux_rules.read(machine)
        if not linux_rules.possible(machine):
            return Rules({})
        notes.append(Problem("denied", "rules_not_checked", "nft"))
    except CannotRead as error:
        notes.append(error.problem())
    return None


def collect(machine: Machine) -> Table:
    """A row for each firewall in force, or that is there and off when none is; rules of nobody are one of their own."""
    notes: list[Problem] = []
    rules = seen(machine, notes)
    rows: list[Firewall] = []
    for program in PROGRAMS:
        try:
            rows += program(machine, rules, notes)
        except CannotRead as error:
            notes.append(error.problem())
    if rules is not None and not any(row.enabled for row in rows):
        rows += [
            linux_programs.settled(origin, None, rules.inbound(), notes) for origin in ORIGINS if rules.filters(origin)
        ]
    if any(row.enabled for row in rows):  # of the others only those that may be in force as well
        rows = [row for row in rows if row.enabled is not False]
    return Table(
        rows=tuple(sorted(rows, key=lambda row: (row.name or "", row.profile or ""))), notes=tuple(dict.fromkeys(notes))
    )
