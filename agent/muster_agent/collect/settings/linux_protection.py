"""SELinux and AppArmor: what the kernel enforces now, not what a file says it should."""

from __future__ import annotations

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import container, programs

SELINUX = ("/sys/fs/selinux", "/selinux")  # the second on kernels before 3.0, as of CentOS 6
APPARMOR = "/sys/module/apparmor/parameters/enabled"


def parse_sestatus(text: str) -> str:
    """The mode in force by what sestatus printed. Raises :class:`CannotRead` when it does not say."""
    said: dict[str, str] = {}
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            said.setdefault(name.strip().lower(), value.strip().lower())
    mode = said.get("current mode", "disabled" if said.get("selinux status") == "disabled" else "")
    if mode not in ("enforcing", "permissive", "disabled"):
        raise CannotRead("not_understood", f"sestatus: {text.strip()[:60]}")
    return mode


def selinux(machine: Machine) -> tuple[str]:
    """What SELinux does now: the kernel's own word, else sestatus's, else there is none."""
    for folder in SELINUX:
        try:
            said = machine.text(f"{folder}/enforce", 64).strip()
        except NotFound:
            continue
        if said not in ("0", "1"):
            raise CannotRead("not_understood", f"{folder}/enforce: {said}"[:100])
        return ("enforcing" if said == "1" else "permissive",)
    if container.inside(machine):
        raise CannotRead("container", SELINUX[0], "unsupported")
    try:
        return (parse_sestatus(programs.text(machine, "sestatus")),)
    except NotFound:
        return ("disabled",)


def apparmor(machine: Machine) -> tuple[bool]:
    """Whether AppArmor is on."""
    try:
        return (machine.text(APPARMOR, 64).strip().upper() == "Y",)
    except NotFound:
        if not machine.exists("/sys/module"):
            raise
        return (False,)
