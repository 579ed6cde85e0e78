"""apt's lists: which there are, who publishes them, and what they offer for the installed packages."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Tuple

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.deb import paragraphs, release
from muster_agent.system.deb.release import Release
from muster_agent.system.deb.sources import Source
from muster_agent.system.deb.status import source_of

FOLDER = "/var/lib/apt/lists"
# Unpacks whatever apt packed (lz4, xz, zst, gz), as any user; Python's library has no lz4 and no zst.
HELPER = "/usr/lib/apt/apt-helper"
NAME = re.compile(r"^(?P<base>.+?(?:_binary-(?P<arch>[a-z0-9-]+))?_Packages)(?:\.(?:lz4|gz|xz|zst|bz2|lzma))?$")

READ = paragraphs.only("Package", "Version", "Architecture", "Source", "Phased-Update-Percentage")

# apt_preferences(5): what apt prefers by default.
AUTOMATIC, UPGRADES_ONLY, NEVER = 500, 100, 1


@dataclass(frozen=True)
class PackageList:
    """One list on the disk."""

    path: str
    base: str  # its name without the suffix of its packing
    release: Release
    stated_in: str | None = None  # the (In)Release file that states its size

    @property
    def site(self) -> str:
        """The host that offers it."""
        return self.base.partition("_")[0]

    @property
    def priority(self) -> int:
        """How much apt prefers what it offers, before any pin."""
        if not self.release.not_automatic:
            return AUTOMATIC
        return UPGRADES_ONLY if self.release.but_automatic_upgrades else NEVER

    def is_security(self, family: tuple[str, ...]) -> bool:
        """Whether the publisher of the system calls this list its security updates.

        A third party's list is reported, and never as the system's security.
        """
        ours = self.release.origin.lower().startswith(family) or self.site.endswith("chinauos.com")
        said = f"{self.release.label} {self.release.suite} {self.release.codename} {self.site}".lower()
        return ours and "security" in said


@dataclass(frozen=True)
class Offer:
    """One version of one package on offer."""

    version: str
    arch: str
    source: str
    origin: str
    security: bool
    priority: int
    phased: bool  # Ubuntu gives it to a part of its users only


# By package and architecture; a package of architecture "all" stands under the PC's own.
Offers = Dict[Tuple[str, str], List[Offer]]


def lists(machine: Machine, architectures: tuple[str, ...], sources: list[Source] | None) -> list[PackageList]:
    """The lists of the sources in use, or every list when the sources are not known (None)."""
    names = machine.names(FOLDER)
    releases = {
        name[: -len(ending)]: name for ending in ("Release", "InRelease") for name in names if name.endswith(ending)
    }
    heads: dict[str, Release] = {}
    found: dict[str, PackageList] = {}
    # The plain list comes before its packed twin, which an interrupted change of apt's settings can leave behind.
    for name in names:
        match = NAME.match(name)
        if not match or match.group("arch") not in (None, "all", *architectures) or match.group("base") in found:
            continue
        if sources is not None and not any(name.startswith(source.prefix) for source in sources):
            continue
        publisher = max((prefix for prefix in releases if name.startswith(prefix)), key=len, default=None)
        if publisher is not None and publisher not in heads:
            heads[publisher] = release.read(machine, f"{FOLDER}/{releases[publisher]}")
        base = match.group("base")
        head = Release() if publisher is None else heads[publisher]
        stated_in = None if publisher is None else f"{FOLDER}/{releases[publisher]}"
        found[base] = PackageList(f"{FOLDER}/{name}", base, head, stated_in)
    return list(found.values())


def _whole(machine: Machine, listed: PackageList) -> Iterator[bytes]:
    """The pieces of a plain list. Raises ``cut_short`` for one that does not end with a line, and for an empty one of
    which the publisher states that it is not: no list proves nothing.

    apt takes such a list for whole; a full disk or a damaged one leaves it behind. A packed one tells by itself.
    """
    last = b""
    for piece in machine.read_chunks(listed.path):
        last = piece or last
        yield piece
    if last:
        if not last.endswith(b"\n"):
            raise CannotRead("cut_short", listed.path)
    elif listed.stated_in is not None:
        prefix = listed.stated_in.rpartition("/")[2].rpartition("_")[0] + "_"
        index = listed.base[len(prefix) :].replace("_", "/")
        for line in machine.text(listed.stated_in).splitlines():
            fields = line.split()
            if line.startswith(" ") and len(fields) == 3 and fields[2] == index and fields[1].strip("0"):
                raise CannotRead("cut_short", listed.path)


def _chunks(machine: Machine, listed: PackageList) -> Iterator[bytes]:
    if listed.path.endswith("_Packages"):
        return _whole(machine, listed)
    return machine.unpacked_chunks(listed.path, [HELPER, "cat-file", listed.path])


def read(
    machine: Machine, listed: PackageList, wanted: frozenset[bytes], native: str, family: tuple[str, ...]
) -> Iterator[tuple[str, str, Offer]]:
    """(package, architecture, offer) of everything ``listed`` offers for the packages in ``wanted``."""
    words = listed.release.words(listed.site)
    security = listed.is_security(family)
    for paragraph in paragraphs.of_packages(_chunks(machine, listed), wanted, listed.path):
        entry = paragraphs.some_fields(paragraph, READ)
        arch, version = entry.get("architecture", native), entry.get("version", "")
        if not version:
            raise CannotRead("not_understood", listed.path)
        phased = entry.get("phased-update-percentage", "100") != "100"
        offer = Offer(version, arch, source_of(entry)[0], words, security, listed.priority, phased)
        yield entry["package"], native if arch == "all" else arch, offer
