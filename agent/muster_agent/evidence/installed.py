"""The versions of the installed packages by name, whichever package system the PC has."""

from __future__ import annotations

from muster_agent.facts import Problem
from muster_agent.machine import Machine
from muster_agent.system import package_system
from muster_agent.system.package_system import Rpms


def versions(machine: Machine) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The versions, and what the database could not tell. Raises :class:`CannotRead` when none can be read."""
    found = machine.once(package_system.of)
    notes = found.notes if isinstance(found, Rpms) else ()
    return {package.name: package.version for package in found.packages}, notes
