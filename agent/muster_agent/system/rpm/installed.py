"""The packages installed on a PC of the rpm family, as rpm lists them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Iterable

from muster_agent.dataclass import dataclass
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, NotFound, Output, program_failed
from muster_agent.system.rpm import database, nevra

TAGS = ("NAME", "EPOCH", "VERSION", "RELEASE", "ARCH", "SOURCERPM", "INSTALLTIME")
FORMAT = "\\t".join("%{" + tag + "}" for tag in TAGS) + "\\n"
QUERY = ["-qa", "--queryformat", FORMAT]
PROGRAMS = ("/usr/bin/rpm", "/bin/rpm")
TIME_LIMIT = 60.0  # seconds; a full desktop takes two from a cold disk
VISIBLE = re.compile(r"[^\s\x00-\x1f\x7f\ufffd]{1,256}")
KEYS = "gpg-pubkey"  # the keys of publishers stand in the database like packages
SOURCE = re.compile(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+)\.(?:no)?src\.rpm")


@dataclass(frozen=True)
class Installed:
    """One installed package."""

    name: str
    version: str  # [epoch:]version-release
    arch: str
    source: str  # empty when the package does not say
    source_version: str  # version-release, with the epoch where a package of the same source shows it
    installed_at: int  # seconds since 1970; 0 when not stated


def of_tags(values: Iterable[str]) -> Installed | None:
    """The package with these values of :data:`TAGS`; None for a publisher's key.

    Raises ``ValueError`` when they are not those of a package.
    """
    name, epoch, version, release, arch, source, installed_at = values
    if name == KEYS:
        return None
    # rpm refuses odd characters only since 2011 and only while building, so anything visible may stand here.
    if not all(VISIBLE.fullmatch(value) for value in (name, version, release, arch, source or "(none)")):
        raise ValueError(f"not a package: {name[:40]!r} {version[:40]!r}")
    found = SOURCE.fullmatch(source)
    seconds = int(installed_at) if re.fullmatch("[0-9]{1,11}", installed_at, re.ASCII) else 0
    return Installed(
        name=name,
        version=nevra.evr(epoch, version, release),
        arch="" if arch == "(none)" else arch,
        source=found["name"] if found else "",
        source_version=found["version"] if found else "",
        installed_at=seconds,
    )


def with_epochs(packages: list[Installed]) -> list[Installed]:
    """``packages`` with the epoch of their source, which rpm does not name.

    A package inherits version, release and epoch from its source unless its maker sets them anew; so where version
    and release are the source's, the epoch is too, and it holds for everything built from that source.
    """
    epochs = {}
    for package in packages:
        epoch, colon, rest = package.version.partition(":")
        if colon and package.source and rest == package.source_version:
            epochs[package.source, package.source_version] = epoch
    return [
        replace(package, source_version=f"{epochs[package.source, package.source_version]}:{package.source_version}")
        if (package.source, package.source_version) in epochs
        else package
        for package in packages
    ]


def parse(text: str) -> list[Installed]:
    """The packages in what rpm printed. Raises ``not_understood`` for a line that is no package."""
    found = []
    for line in text.split("\n"):
        if not line:
            continue
        try:
            package = of_tags(line.split("\t"))
        except ValueError as error:
            raise CannotRead("not_understood", f"rpm: {line[:80]}") from error
        if package is not None:
            found.append(package)
    return with_epochs(found)


def complaint(output: Output) -> str:
    """The line in which rpm says that it did not list everything; empty when it says nothing of the kind.

    A warning is none: rpm warns of every signature it does not know.
    """
    for line in output.stderr.decode("utf-8", "replace").splitlines():
        if line.startswith("error:"):
            return line[:200]
    return ""


def ask(machine: Machine) -> Output:
    """What rpm says of everything installed. Raises :class:`NotFound` where the program is missing."""
    for program in PROGRAMS:
        try:
            return machine.run([program, *QUERY], TIME_LIMIT)
        except NotFound:
            continue
    raise NotFound(PROGRAMS[0])


def installed(machine: Machine) -> tuple[list[Installed], list[Problem]]:
    """The installed packages, and a note when rpm itself says that the list is not whole.

    Raises :class:`CannotRead` when there is no list at all: rpm is missing, failed, or knows no package.
    """
    return machine.once(_installed)


def _installed(machine: Machine) -> tuple[list[Installed], list[Problem]]:
    output = ask(machine)
    packages = parse(output.stdout.decode("utf-8", "replace"))
    damage = complaint(output)
    if not packages:
        if damage or output.status != 0:
            raise (
                CannotRead("rpm_database_damaged", damage)
                if damage
                else program_failed([PROGRAMS[0]], output.status, output.stderr)
            )
        raise CannotRead("rpm_database_empty", database.place(machine) or database.PLACES[0])
    if damage or output.status != 0:
        return packages, [Problem("error", "rpm_database_damaged", damage or f"rpm ({output.status})")]
    return packages, []
