"""Remote-control programs on Windows. Remote Desktop, which Windows brings, is a setting (table settings)."""

from __future__ import annotations

from muster_agent import catalogue
from muster_agent.collect.remote_access.rows import table
from muster_agent.evidence import windows
from muster_agent.facts import Table
from muster_agent.machine import Machine


def collect(machine: Machine) -> Table:
    """The programs that are there, by services, uninstall entries and their own files."""
    look, known = windows.look(machine), catalogue.remote_access()
    findings, notes = look.search(known, {})
    return table(known, "windows", findings, notes, look.processes)
