"""Which package system a Linux PC is made of: by the database that is really there, never by the system's name.

银河麒麟 calls its desktop (deb) and its server (rpm) by the same ID, and a PC can have the tools of both families.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from muster_agent.dataclass import dataclass
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.deb import status as deb

if TYPE_CHECKING:
    from muster_agent.system.rpm import installed as rpm

# Every system of the deb family has these: where dpkg's database knows none of them, something else is the system.
BASE_OF_DEB = frozenset({"base-files", "dpkg", "libc6", "coreutils"})


# Arch's and Alpine's databases: their packages are listed, and their updates are not read yet.
PACMAN, APK = "/var/lib/pacman/local", "/lib/apk/db/installed"


@dataclass(frozen=True)
class Debs:
    """A PC of the deb family."""

    packages: list[deb.Installed]


@dataclass(frozen=True)
class Rpms:
    """A PC of the rpm family."""

    packages: list[rpm.Installed]
    notes: tuple[Problem, ...]  # when rpm itself says that its list is not whole


def of(machine: Machine) -> Debs | Rpms:
    """The package system this PC is made of, with what is installed. Raises :class:`CannotRead` when there is none.

    dpkg's database is read first, because that costs nothing; it is believed when it holds the base of a system.
    """
    failure: CannotRead | None = None
    debs: list[deb.Installed] = []
    try:
        debs = deb.installed(machine)
    except CannotRead as error:
        failure = error
    if any(package.name in BASE_OF_DEB for package in debs):
        return Debs(debs)
    from muster_agent.system.rpm import database  # a PC of the deb family does without

    if database.place(machine) is not None:
        from muster_agent.system.rpm import installed as rpm

        packages, notes = rpm.installed(machine)
        return Rpms(packages, tuple(notes))
    for path in (PACMAN, APK):
        if not debs and machine.exists(path):
            raise CannotRead("package_system_not_built", path, "unsupported")
    if failure is not None:
        raise failure
    return Debs(debs)
