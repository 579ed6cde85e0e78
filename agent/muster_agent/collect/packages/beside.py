"""Packages of the systems that are plain files: Arch's and Alpine's own, and snaps and Flatpaks beside any other.

A snap or a Flatpak brings its own libraries, so what the distribution mends is not mended in it.
"""

from __future__ import annotations

import re

from muster_agent.facts import Package, Problem
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.package_system import APK, PACMAN

SNAPS = ("/snap", "/var/lib/snapd/snap")  # where they are mounted: Debian's and Ubuntu's place, and Fedora's
FLATPAK = "/var/lib/flatpak/app"
PLAIN = re.compile(r"[!-~]{0,256}")  # names and versions are visible ASCII in all three
ARCHITECTURES = re.compile(r"^architectures:(.*(?:\n[ \t]*-.*)*)", re.MULTILINE)
SECTION = re.compile(r"^%([A-Z0-9]+)%\r?\n([^\n]*)", re.MULTILINE)


def _package(path: str, system: str, **said: str) -> Package:
    """A package of these texts, in which an empty one is not stated. Raises ``not_understood``."""
    if not said.get("name") or not said.get("version") or not all(PLAIN.fullmatch(value) for value in said.values()):
        raise CannotRead("not_understood", path)
    return Package(type=system, **{column: value or None for column, value in said.items()})


def of_pacman(text: str, path: str) -> Package:
    """The package of a desc file of pacman: %NAME%, and its value in the line below. Raises ``not_understood``."""
    found = {name: value.strip() for name, value in SECTION.findall(text)}
    name, version = found.get("NAME", ""), found.get("VERSION", "")
    source = found.get("BASE") or name
    # Packages of one source are always of one version.
    arch = found.get("ARCH", "")
    return _package(path, "pacman", name=name, version=version, arch=arch, source=source, source_version=version)


def of_apk(text: str) -> list[Package]:
    """The packages in Alpine's database: lines of "P:name", a blank line between two. Raises ``not_understood``."""
    found = []
    for paragraph in re.split(r"\n\r?\n", text):
        said = {line[0]: line[2:].strip() for line in paragraph.splitlines() if line[1:2] == ":" and line[0] in "PVAo"}
        if not paragraph.strip():
            continue
        name, version, arch = (said.get(key, "") for key in "PVA")
        source = said.get("o") or name
        found.append(_package(APK, "apk", name=name, version=version, arch=arch, source=source, source_version=version))
    return found


def of_snap(text: str, path: str) -> Package:
    """The snap of a meta/snap.yaml: of YAML only "name: value" at the left margin. Raises ``not_understood``."""
    said: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key in ("name", "version"):
            said[key] = value.partition(" #")[0].strip().strip("'\"")
    listed = ARCHITECTURES.search(text)
    names = re.findall(r"[a-z0-9_]+", re.sub(r"#.*", "", listed.group(1))) if listed else []
    # A snap of several architectures does not say which of them this one is.
    return _package(path, "snap", **said, arch=names[0] if len(names) == 1 else "")


def _pacman(machine: Machine) -> list[Package]:
    names = [name for name in machine.names(PACMAN) if name != "ALPM_DB_VERSION"]
    return [of_pacman(machine.text(f"{PACMAN}/{name}/desc"), f"{PACMAN}/{name}/desc") for name in names]


def _apk(machine: Machine) -> list[Package]:
    try:
        return of_apk(machine.text(APK))
    except NotFound:
        return []


def _snaps(machine: Machine) -> list[Package]:
    found = {}
    for place in SNAPS:
        for name in machine.names(place):
            path = f"{place}/{name}/current/meta/snap.yaml"
            try:
                found[name] = of_snap(machine.text(path), path)
            except NotFound:
                continue  # bin, README: what is no snap has no such file
    return list(found.values())


def _flatpaks(machine: Machine) -> list[Package]:
    """Applications by id, architecture and branch. Their version stands in a file of the application's own, if at all,
    so it is left out."""
    found = []
    for name in machine.names(FLATPAK):
        folder = f"{FLATPAK}/{name}"
        for arch in machine.names(folder):
            if arch != "current":  # a link to one of the others
                found.append(Package(name=name, type="flatpak", arch=arch))
    return found


def packages(machine: Machine, notes: list[Problem]) -> list[Package]:
    """Everything of these systems. One that could not be read is said in ``notes``."""
    found: list[Package] = []
    for system in (_pacman, _apk, _snaps, _flatpaks):
        try:
            found += system(machine)
        except CannotRead as error:
            notes.append(error.problem())
    if any(package.type == "flatpak" for package in found):
        notes.append(Problem("unsupported", "version_not_stated", "flatpak", "version"))
    return found
