"""Installed programs on macOS: the bundles where programs are kept, and what Homebrew poured.

Only the folders are looked into, never the whole disk: a program somewhere in a user's downloads is not installed.
"""

from __future__ import annotations

from typing import Iterator

from muster_agent.facts import Package, Problem, Table
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import plist

# Since 10.15 the system's own programs stand apart. Utilities and vendors' folders lie one level deeper.
FOLDERS = ("/Applications", "/System/Applications")
CELLARS = ("/opt/homebrew/Cellar", "/usr/local/Cellar")
ENDING = ".app"


def bundles(machine: Machine, notes: list[Problem]) -> Iterator[str]:
    """The paths of the programs: NAME.app in a folder of programs, or in a folder there. One that cannot be looked
    into is noted."""
    for folder in FOLDERS:
        for name in machine.names(folder):
            path = f"{folder}/{name}"
            if name.endswith(ENDING):
                yield path
                continue
            try:
                inside = machine.listdir(path)
            except NotFound:  # a file
                continue
            except CannotRead as error:
                notes.append(error.problem())
                continue
            for below in inside:
                if below.endswith(ENDING):
                    yield f"{path}/{below}"


def program(machine: Machine, path: str) -> Package | None:
    """The program at ``path``; None for a bundle without Info.plist, as those of web shortcuts and of iOS are."""
    try:
        info = plist.read(machine, path + "/Contents/Info.plist")
    except NotFound:
        return None
    version = plist.text(info, "CFBundleShortVersionString") or plist.text(info, "CFBundleVersion")
    name = path.rpartition("/")[2][: -len(ENDING)]
    return Package(name=name, version=version, type="app")


def poured(machine: Machine) -> Iterator[Package]:
    """What Homebrew installed: a folder a formula, in it a folder a version."""
    for cellar in CELLARS:
        for name in machine.names(cellar):
            if name.startswith("."):
                continue
            for version in machine.names(f"{cellar}/{name}"):
                if not version.startswith("."):
                    yield Package(name=name, version=version, type="brew")


def collect(machine: Machine) -> Table:
    """The programs. A Mac always has some: none at all is a problem, not an empty list."""
    rows: list[Package] = []
    notes: list[Problem] = []
    for path in bundles(machine, notes):
        try:
            found = program(machine, path)
        except CannotRead as error:
            notes.append(error.problem())
            continue
        if found is not None:
            rows.append(found)
    if not rows:
        raise CannotRead("no_packages", FOLDERS[0])
    rows += poured(machine)
    return Table(rows=tuple(rows), notes=tuple(notes))
