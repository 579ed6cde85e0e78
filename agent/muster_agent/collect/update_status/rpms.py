"""The patch state of a PC of the rpm family."""

from __future__ import annotations

from muster_agent.collect.attempts import Attempts
from muster_agent.facts import UpdateStatus
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.rpm import automatic, cache, history, kernels, program, restart
from muster_agent.system.rpm.installed import Installed


def metadata_date(machine: Machine) -> str:
    """The newest date the publishers of the repositories in use state, or the last refresh that succeeded."""
    known = program.of(machine)
    if not known.date:
        raise CannotRead("no_repository_cache", known.root)
    return cache.moment(known.date)


def status(machine: Machine, packages: list[Installed], attempt: Attempts) -> UpdateStatus:
    """The one row; each fact fails by itself."""
    running = machine.uname().release
    best = kernels.newest(running, kernels.kernels(packages))
    names = {package.name for package in packages}
    needed = attempt("reboot_required", lambda: restart.needed(machine, running, packages))
    return UpdateStatus(
        metadata_date=attempt("metadata_date", lambda: metadata_date(machine)),
        last_installed=attempt("last_installed", lambda: history.last_update(machine)),
        automatic=attempt("automatic", lambda: automatic.installs_itself(machine, names)),
        reboot_required=needed[0] if needed else None,
        reboot_reason=needed[1] if needed else None,
        running_kernel=running,
        installed_kernel=best.release if best else None,
    )
