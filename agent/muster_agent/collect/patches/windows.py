"""Installed hotfixes on Windows, from the servicing store: what ``dism /Get-Packages`` lists as installed updates."""

from __future__ import annotations

from muster_agent.facts import Patch, Table
from muster_agent.machine import Machine
from muster_agent.system.cbs import store


def collect(machine: Machine) -> Table:
    """The updates in force. One that a newer one replaced, or that waits for a restart, is none of them.

    Updates of Office and of other programs are not in this store.
    """
    packages, problems = store.read(machine)
    rows = {
        Patch(
            hotfix_id=package.identity.kb,
            description=package.identity.description,
            version=".".join(str(number) for number in package.identity.build)
            if package.identity.cumulative
            else package.identity.version,
            installed_on=package.installed_on,
        )
        for package in packages
        if package.installed
    }
    return Table(
        rows=tuple(sorted(rows, key=lambda row: (row.description, row.version, row.installed_on or ""))),
        notes=tuple(problems),
    )
