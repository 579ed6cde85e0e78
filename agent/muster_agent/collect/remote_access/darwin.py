"""Remote-control programs on macOS. Screen sharing, which macOS brings, is a setting (table settings)."""

from __future__ import annotations

from muster_agent import catalogue
from muster_agent.collect.remote_access.rows import table
from muster_agent.evidence import darwin
from muster_agent.facts import Table
from muster_agent.machine import Machine


def collect(machine: Machine) -> Table:
    """The programs that are there, by bundles and jobs of launchd."""
    look, known = darwin.look(machine), catalogue.remote_access()
    findings, notes = look.search(known)
    return table(known, "darwin", findings, notes, look.processes)
