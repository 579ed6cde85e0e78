r"""The OpenSSH server of Windows. Other SSH servers are not looked for: listening_ports shows them."""

from __future__ import annotations

from typing import Any, Iterable

from muster_agent.machine import CannotRead, Machine
from muster_agent.system import sshd
from muster_agent.system.registry_setting import DISABLED, start
from muster_agent.system.windows_answer import runs

SERVICE = "sshd"
BY_ITSELF = 2  # SERVICE_AUTO_START


def server(machine: Machine) -> tuple[Any, ...]:
    """Whether it is set to run: it starts by itself, or somebody has started it."""
    how = start(machine, SERVICE)
    return (how == BY_ITSELF or (how not in (None, DISABLED) and runs(machine, SERVICE)),)


def _no_include(pattern: str) -> Iterable[tuple[str, str]]:
    raise CannotRead("not_understood", f"Include {pattern}"[:200])


def configuration(machine: Machine) -> tuple[Any, ...]:
    """(whether passwords are accepted, whether empty ones are, tries a connection), null without the server."""
    if start(machine, SERVICE) is None:
        return None, None, None
    drive = machine.api("SystemDrive")
    path = f"{drive}\\ProgramData\\ssh\\sshd_config"
    settings = sshd.parse(machine.text(path), _no_include, path)
    return sshd.accepts_passwords(settings), sshd.accepts_empty_passwords(settings), sshd.max_tries(settings)
