"""UOS 安全中心: the file that names the version of its virus library says by its own time when that was renewed."""

from __future__ import annotations

from muster_agent.collect.antivirus.vendors import Told
from muster_agent.collect.antivirus.vendors.huorong import newest
from muster_agent.machine import Machine

ANSWERS = ("signatures_date",)
VERSION = "/opt/deepin-defender-vdbup/file/bin/config/deepin-defender/ahversion"


def ask(machine: Machine) -> Told:
    """Look at it. Raises :class:`CannotRead`."""
    return newest(machine, (VERSION,))
