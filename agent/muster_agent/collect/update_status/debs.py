"""The patch state of a PC of the deb family."""

from __future__ import annotations

import contextlib

from muster_agent.collect.attempts import Attempts
from muster_agent.facts import UpdateStatus
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import container
from muster_agent.system.deb import automatic, history, kernels, lists, release, sources
from muster_agent.system.deb.status import Installed, native_architecture
from muster_agent.system.filetime import moment_of_seconds

STAMP = "/var/lib/apt/periodic/update-success-stamp"
REBOOT = "/run/reboot-required"


def metadata_date(machine: Machine, packages: list[Installed]) -> str:
    """The newest date the publishers of the lists in use state, or the last refresh that succeeded."""
    used = sources.read(machine, native_architecture(packages))
    dates = []
    for name in machine.names(lists.FOLDER):
        if name.endswith("Release") and any(name.startswith(source.prefix) for source in used):
            dates.append(release.read(machine, f"{lists.FOLDER}/{name}").date)
    with contextlib.suppress(NotFound):
        dates.append(moment_of_seconds(machine.stat(STAMP).mtime, STAMP))
    if not any(dates):
        raise CannotRead("no_apt_lists", lists.FOLDER)
    return max(dates)


def last_installed(machine: Machine) -> str:
    """The day of the last upgrade. Raises ``no_upgrade_logged``."""
    day = history.last_upgrade(machine)
    if day is None:
        raise CannotRead("no_upgrade_logged", history.APT_FOLDER)
    return day


def restart(machine: Machine, running: str, images: list[kernels.Image]) -> tuple[bool, str | None]:
    """(a restart is needed, why). Raises :class:`CannotRead` when nothing can tell."""
    if machine.exists(REBOOT):
        try:
            packages = sorted(set(machine.text(REBOOT + ".pkgs").split()))
        except NotFound:
            packages = []
        return True, " ".join(packages) or REBOOT
    if container.inside(machine):
        raise CannotRead("container", running, "unsupported")
    pending = kernels.restart_pending(running, machine.text(kernels.VERSION), images)
    if pending is None:
        raise CannotRead("kernel_not_packaged", running, "unsupported")
    best = kernels.newest(running, images)
    return pending, f"linux-image-{best.release}" if pending and best else None


def status(machine: Machine, packages: list[Installed], attempt: Attempts) -> UpdateStatus:
    """The one row; each fact fails by itself."""
    running, images = machine.uname().release, kernels.images(packages)
    best = kernels.newest(running, images)
    names = {package.name for package in packages}
    needed = attempt("reboot_required", lambda: restart(machine, running, images))
    return UpdateStatus(
        metadata_date=attempt("metadata_date", lambda: metadata_date(machine, packages)),
        last_installed=attempt("last_installed", lambda: last_installed(machine)),
        automatic=attempt("automatic", lambda: automatic.installs_itself(machine, names)),
        reboot_required=needed[0] if needed else None,
        reboot_reason=needed[1] if needed else None,
        running_kernel=running,
        installed_kernel=best.release if best else None,
    )
