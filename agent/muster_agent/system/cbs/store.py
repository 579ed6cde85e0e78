"""The packages of updates in the servicing store, and what became of each."""

from __future__ import annotations

from muster_agent.dataclass import dataclass
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import filetime, registry_key
from muster_agent.system.cbs import identity

KEY = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages"
# CurrentState ("CBS Servicing States Chart", Microsoft's Tip of the Day of 2015-10-12). An update that waits for the
# restart is 0x60, one that a newer one replaced is 0x50: neither is in force.
INSTALL_PENDING, INSTALLED, PERMANENT = 0x60, 0x70, 0x80


@dataclass(frozen=True)
class Package:
    """The package of an update."""

    identity: identity.Identity
    state: int  # CurrentState
    installed_on: str | None  # moment; None when not stated

    @property
    def installed(self) -> bool:
        """Whether it is in force."""
        return self.state in (INSTALLED, PERMANENT)


def read(machine: Machine) -> tuple[list[Package], list[Problem]]:
    """(the packages of updates, what could not be read of them). Raises :class:`CannotRead` for the whole store.

    The store holds thousands of packages; only those of updates are opened.
    """
    packages, problems = [], []
    for name in machine.registry_keys(KEY):
        if not name.startswith(identity.UPDATE):
            continue
        try:
            of = identity.parse(name)
            key = registry_key.opened(machine, f"{KEY}\\{name}")
            state = key.number("CurrentState")
            if state is None:
                raise CannotRead("not_understood", f"{name}: CurrentState")
            high, low = key.number("InstallTimeHigh") or 0, key.number("InstallTimeLow") or 0
        except CannotRead as error:
            problems.append(error.problem())
            continue
        installed_on = None
        try:
            installed_on = filetime.moment(filetime.of_halves(high, low), f"{name}: InstallTime")
        except CannotRead as error:
            problems.append(error.problem("installed_on"))
        packages.append(Package(of, state, installed_on))
    return packages, problems


def newest_cumulative(packages: list[Package], pending: bool = False) -> Package | None:
    """The cumulative update of Windows with the highest build that is in force, or, with ``pending``, also one that
    waits for the restart. None when there is none."""
    found = [
        package
        for package in packages
        if package.identity.cumulative and (package.installed or (pending and package.state == INSTALL_PENDING))
    ]
    return max(found, key=lambda package: package.identity.build, default=None)
