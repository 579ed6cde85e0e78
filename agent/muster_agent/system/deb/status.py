"""The packages installed on a PC, out of dpkg's database."""

from __future__ import annotations

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.deb import paragraphs
from muster_agent.versions import without_binary_rebuild

# Where dpkg's database lies: everywhere; UOS 20 from 1060 on; UOS 25. On UOS the usual place can hold a remnant of
# two packages, so all are read and the one that knows most packages is the database (endpoints.md §2.1).
PLACES = ("/var/lib/dpkg/status", "/usr/lib/dpkg-db/status", "/usr/lib/dpkg/var/status")

# The third word of Status. In these states the files of the package are on the disk, configured or not yet; in the
# others (not-installed, config-files, half-installed) they are not, or not all.
ON_DISK = frozenset({"installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"})


READ = paragraphs.only("Package", "Version", "Architecture", "Source", "Status")


@dataclass(frozen=True)
class Installed:
    """One installed package."""

    name: str
    version: str
    arch: str
    source: str
    source_version: str


def source_of(found: paragraphs.Fields) -> tuple[str, str]:
    """(source, source version) of a binary package: ``Source: name (version)`` names only what differs from it."""
    source, _, version = found.get("source", "").partition(" ")
    version = version.strip("() ")
    return source or found["package"], version or without_binary_rebuild(found.get("version", ""))


def parse(data: bytes, path: str) -> list[Installed]:
    """The installed packages in the bytes of a dpkg database."""
    found = []
    for paragraph in paragraphs.split([data], path):
        entry = paragraphs.some_fields(paragraph, READ)
        words = entry.get("status", "").split()
        if len(words) != 3 or words[2] not in ON_DISK or not entry.get("package") or not entry.get("version"):
            continue
        source, source_version = source_of(entry)
        found.append(
            Installed(entry["package"], entry["version"], entry.get("architecture", ""), source, source_version)
        )
    return found


def installed(machine: Machine) -> list[Installed]:
    """The installed packages, read once a run: half of the tables rest on them.

    Raises :class:`CannotRead` where no database is to be found, or it holds no package at all: every Debian has some.
    """
    return machine.once(_installed)


def _installed(machine: Machine) -> list[Installed]:
    best: list[Installed] = []
    found_at = ""
    for path in PLACES:
        try:
            data = machine.read(path)
        except NotFound:
            continue
        # dpkg ends every line. Without that the rest is missing, and dpkg itself refuses the file.
        if data and not data.endswith(b"\n"):
            raise CannotRead("cut_short", path)
        packages = parse(data, path)
        found_at = found_at or path
        if len(packages) > len(best):
            best, found_at = packages, path
    if best:
        return best
    if found_at:
        raise CannotRead("no_packages", found_at)
    raise CannotRead("no_package_database", PLACES[0])


def native_architecture(packages: list[Installed]) -> str:
    """The architecture of this PC in dpkg's words: that of dpkg itself, which is a program and so never "all"."""
    for name in ("dpkg", "base-files", "libc6"):
        for package in packages:
            if package.name == name and package.arch not in ("", "all"):
                return package.arch
    raise CannotRead("no_architecture", "dpkg")
