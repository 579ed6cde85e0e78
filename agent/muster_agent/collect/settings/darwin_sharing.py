"""The ways into a Mac from elsewhere: remote login (SSH) and screen sharing."""

from __future__ import annotations

from muster_agent.machine import Machine
from muster_agent.system import sshd
from muster_agent.system.launchd import launchctl

SSH, SCREEN = "com.openssh.sshd", "com.apple.screensharing"


def _switched_on(machine: Machine, label: str) -> bool:
    """Whether the job is on. Both are off until somebody switches them on, which leaves an override."""
    return not machine.once(launchctl.disabled).get(label, True)


def screen_sharing(machine: Machine) -> tuple[bool]:
    """Whether the screen is shared."""
    return (_switched_on(machine, SCREEN),)


def remote_login(machine: Machine) -> tuple[bool]:
    """Whether the SSH server is on."""
    return (_switched_on(machine, SSH),)


def ssh_server(machine: Machine) -> tuple[str | None, bool, bool, int]:
    """What the SSH server lets in, whether it is on or not."""
    settings = sshd.read(machine)
    return (
        sshd.root_login(settings, "prohibit-password"),
        sshd.accepts_passwords(settings),
        sshd.accepts_empty_passwords(settings),
        sshd.max_tries(settings),
    )
