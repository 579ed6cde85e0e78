"""Host firewalls on Windows: the three profiles of its own, and those of other makers that are registered.

When another firewall is on, a profile that is off is no fault: both are told, and the policy decides.
"""

from __future__ import annotations

from muster_agent.collect.firewall.windows_profile import PROFILES, configured
from muster_agent.collect.firewall.windows_registered import registered
from muster_agent.facts import Firewall, Problem, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.windows_answer import runs

NAME = "Windows Defender Firewall"
SERVICE = "MpsSvc"


def _row(machine: Machine, profile: str, running: bool | None, notes: list[Problem]) -> Firewall:
    """One profile. A firewall that does not filter lets in every connection, whatever it is set to."""
    try:
        said = configured(machine, profile)
    except CannotRead as error:
        # Set as it may be: what does not run does not filter.
        enabled = False if running is False else None
        notes += [error.problem(column) for column in ("enabled", "inbound") if enabled is None]
        return Firewall(NAME, profile, enabled, None if enabled is None else "allow", f"service:{SERVICE}")
    enabled = said.enabled and running
    inbound = None if enabled is None else "block" if enabled and said.blocks else "allow"
    return Firewall(NAME, profile, enabled, inbound, f"{said.source} service:{SERVICE}")


def collect(machine: Machine) -> Table:
    """A row a profile, and a row a registered product."""
    notes: list[Problem] = []
    running: bool | None = None
    try:
        running = runs(machine, SERVICE)
    except CannotRead as error:
        notes += [error.problem(column) for column in ("enabled", "inbound")]
    rows = [_row(machine, profile, running, notes) for profile in PROFILES]
    try:
        rows += registered(machine, notes)
    except CannotRead as error:
        notes.append(error.problem())
    return Table(rows=tuple(rows), notes=tuple(notes))
