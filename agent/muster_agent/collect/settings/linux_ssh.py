"""The SSH server: whether it is set to run, and what it lets in."""

from __future__ import annotations

import re
from typing import Any

from muster_agent.collect.settings.linux_service import set_to_run
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import programs, sshd

PROGRAM = "/usr/sbin/sshd"
OTHER = "/usr/sbin/dropbear"  # a small SSH server with settings of its own
VERSION = re.compile(rb"OpenSSH_([0-9]{1,3})\.([0-9]{1,3})")
SAFE_SINCE = (7, 0)  # since then PermitRootLogin is prohibit-password where nothing says otherwise; before it was yes


def server(machine: Machine) -> tuple[bool]:
    """Whether one is installed and starts by itself, waits on its port, or runs."""
    if machine.exists(PROGRAM):
        return (set_to_run(machine, ("ssh", "sshd"), "sshd"),)
    return (machine.exists(OTHER) and set_to_run(machine, ("dropbear",), "dropbear"),)


def _installed(machine: Machine) -> bool:
    """Whether there is a server whose settings can be read. Raises :class:`CannotRead` for another one."""
    if machine.exists(PROGRAM):
        return True
    if machine.exists(OTHER):
        raise CannotRead("other_ssh_server", OTHER, "unsupported")
    return False


def _default_root_login(machine: Machine) -> str | None:
    output = programs.run(machine, "ssh", "-V")
    said = VERSION.search(output.stderr + output.stdout)
    if not said:
        raise CannotRead("not_understood", "ssh -V")
    return "prohibit-password" if (int(said.group(1)), int(said.group(2))) >= SAFE_SINCE else "yes"


def root_login(machine: Machine) -> tuple[str | None]:
    """PermitRootLogin; null without a server."""
    if not _installed(machine):
        return (None,)
    settings = machine.once(sshd.read)
    stated = settings.first("permitrootlogin") is not None
    return (sshd.root_login(settings, None if stated else _default_root_login(machine)),)


def _read(machine: Machine, question: Any) -> tuple[Any]:
    return (question(machine.once(sshd.read)) if _installed(machine) else None,)


def password(machine: Machine) -> tuple[bool | None]:
    """Whether passwords are accepted; null without a server."""
    return _read(machine, sshd.accepts_passwords)


def empty_password(machine: Machine) -> tuple[bool | None]:
    """Whether empty passwords are accepted; null without a server."""
    return _read(machine, sshd.accepts_empty_passwords)


def max_tries(machine: Machine) -> tuple[int | None]:
    """MaxAuthTries; null without a server."""
    return _read(machine, sshd.max_tries)
