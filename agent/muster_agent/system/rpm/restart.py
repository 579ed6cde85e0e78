"""Whether a PC of the rpm family must be restarted to finish an update.

As ``needs-restarting -r`` of dnf decides it (plugins/needs_restarting.py of dnf-plugins-core), from the same facts and
without starting it: by packages that everything is built on and that are newer than the start; and by the kernel, for
a restart can have brought an old one.
"""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine
from muster_agent.system import container
from muster_agent.system.rpm import kernels
from muster_agent.system.rpm.installed import Installed

# What zypper leaves behind after it installed something that says of itself that it needs a restart.
SUSE = "/run/reboot-needed"
STAGED = "/run/ostree/staged-deployment"  # an image that waits for its first start
# dnf's list and yum's, and the names SUSE gives to the same.
CORE = frozenset(
    {"kernel", "kernel-core", "kernel-rt", "kernel-rt-core", "kernel-default", "glibc", "systemd", "microcode_ctl"}
    | {"linux-firmware", "kernel-firmware", "dbus", "dbus-1", "dbus-broker", "dbus-daemon"}
)
FOLDER = "/etc/dnf/plugins/needs-restarting.d"  # more names, by the administrator
STARTED = re.compile(r"^btime ([0-9]{1,10})$", re.MULTILINE)
# btime is "now" less the time since the start, so a corrected clock moves it: a package as young as that is none that
# was installed since.
SLACK = 120  # seconds


def _core(machine: Machine) -> frozenset[str]:
    found = set(CORE)
    for name in machine.names(FOLDER):
        if name.endswith(".conf"):
            found |= {line.strip() for line in machine.text(f"{FOLDER}/{name}").splitlines() if line.strip()}
    return frozenset(found)


def newer_than_start(machine: Machine, packages: list[Installed]) -> list[str]:
    """The names of the core packages that were installed since the last start."""
    started = STARTED.search(machine.text("/proc/stat"))
    if started is None:
        raise CannotRead("not_understood", "/proc/stat")
    since = int(started.group(1)) + SLACK
    core = _core(machine)
    return sorted({package.name for package in packages if package.name in core and package.installed_at > since})


def needed(machine: Machine, running: str, packages: list[Installed]) -> tuple[bool, str | None]:
    """(a restart is needed, why). Raises :class:`CannotRead` when nothing can tell."""
    for mark in (SUSE, STAGED):
        if machine.exists(mark):
            return True, mark
    if container.inside(machine):
        raise CannotRead("container", running, "unsupported")
    young = newer_than_start(machine, packages)
    if young:
        return True, " ".join(young)
    found = kernels.kernels(packages)
    pending = kernels.restart_pending(running, found)
    if pending is None:
        raise CannotRead("kernel_not_packaged", running, "unsupported")
    best = kernels.newest(running, found)
    return pending, f"{best.package}-{best.version}" if pending and best else None
