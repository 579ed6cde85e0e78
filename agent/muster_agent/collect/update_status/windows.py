"""The patch state of a Windows PC: how fresh its knowledge is, when it was last mended, whether a restart is needed."""

from __future__ import annotations

from functools import partial

from muster_agent.collect.attempts import Attempts
from muster_agent.facts import Table, UpdateStatus
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import current_version
from muster_agent.system.cbs import store
from muster_agent.system.cbs.identity import ROLLUP
from muster_agent.system.current_version import WINDOWS_10, CurrentVersion
from muster_agent.system.wua import automatic, restart, search


def updates(machine: Machine, version: CurrentVersion) -> list[store.Package]:
    """The updates in the servicing store. Raises :class:`CannotRead` also when one was not readable that may be the
    newest of those that count: since Windows 10 the cumulative ones."""
    packages, problems = store.read(machine)
    for problem in problems:
        if version.build < WINDOWS_10 or ROLLUP in problem.detail:
            raise CannotRead(problem.code, problem.detail, problem.status)
    return packages


def last_installed(packages: list[store.Package], version: CurrentVersion) -> str:
    """When the newest cumulative update was installed; before Windows 10, which had none at first, any update of it.

    Windows Update's own date moves with every renewal of Defender's signatures, so it is not asked. Raises
    ``no_update_in_store``.
    """
    newest = store.newest_cumulative(packages)
    if version.build >= WINDOWS_10:
        moment = newest.installed_on if newest else None
    else:
        moment = max((package.installed_on or "" for package in packages if package.installed), default=None)
    if not moment:
        raise CannotRead("no_update_in_store", version.full_build)
    return moment


def installed_kernel(packages: list[store.Package], version: CurrentVersion) -> str:
    """The build that runs after the next start: that of a cumulative update which waits for it, or the running one.

    The releases that an enablement package made of another (19042 to 19045 of 19041) get that one's updates.
    """
    newest = store.newest_cumulative(packages, pending=True)
    if newest is None:
        return version.full_build
    base, revision = newest.identity.build
    if base > version.build or (version.revision is not None and revision <= version.revision):
        return version.full_build
    return f"{version.build}.{revision}"


def collect(machine: Machine) -> Table:
    """The one row; each fact fails by itself."""
    version = current_version.read(machine)
    attempt = Attempts()
    found = attempt(("last_installed", "installed_kernel"), lambda: updates(machine, version))
    last = None if found is None else attempt("last_installed", partial(last_installed, found, version))
    needed = attempt("reboot_required", lambda: restart.needed(machine))
    row = UpdateStatus(
        metadata_date=attempt("metadata_date", lambda: search.metadata_date(machine, version)),
        last_installed=last,
        automatic=attempt("automatic", lambda: automatic.installs_itself(machine, version)),
        reboot_required=needed[0] if needed else None,
        reboot_reason=needed[1] if needed else None,
        running_kernel=version.full_build,
        installed_kernel=None if found is None else installed_kernel(found, version),
    )
    return Table(rows=(row,), notes=tuple(attempt.notes))
