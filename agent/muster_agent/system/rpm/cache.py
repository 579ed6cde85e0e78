"""What dnf, yum and zypper have downloaded: of which repository, how old it is, and whether it names advisories."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.filetime import moment_of_seconds

DNF5, DNF, YUM, ZYPPER = "/var/cache/libdnf5", "/var/cache/dnf", "/var/cache/yum", "/var/cache/zypp/raw"
HASHED = re.compile(r"(?P<id>.+)-[0-9a-f]{16}")  # the folders of dnf: the id, and the digest of the address
# dnf and zypper touch the index when they find it unchanged; yum touches this instead.
REPOMD, COOKIE = "repomd.xml", "cachecookie"
# When the publisher made the parts of it. The revision is the same moment, where it is a number at all.
STATED = re.compile(rb"<(?:timestamp|revision)>\s*([0-9]{9,10})(?:\.[0-9]+)?\s*</")
# A list of advisories without any: its publisher's tool wrote the file and had nothing to say.
EMPTY = 256  # bytes
OF_ADVISORIES = re.compile(rb"<data type=\"updateinfo[^\"]*\">(.*?)</data>", re.DOTALL)
SIZE = re.compile(rb"<open-size>\s*([0-9]{1,12})\s*</")


@dataclass(frozen=True)
class Cached:
    """What is there of one repository."""

    repository: str
    refreshed: int  # seconds since 1970: when the publisher was last asked
    published: int  # when the publisher made it; 0 when it does not say
    advisories: bool  # it comes with a list of advisories, which is here too

    @property
    def date(self) -> int:
        """How old this knowledge is: the newest moment either side states."""
        return max(self.refreshed, self.published)


def moment(seconds: int) -> str:
    """RFC 3339. Raises ``not_understood`` for a moment that nothing can have been downloaded at."""
    return moment_of_seconds(seconds, REPOMD)


def names_advisories(repomd: bytes, files: list[str]) -> bool:
    """Whether a repository has advisories: by its index, and by the ``files`` that were downloaded of it."""
    found = OF_ADVISORIES.search(repomd)
    if not found or not any("updateinfo" in name for name in files):
        return False
    size = SIZE.search(found.group(1))
    return size is None or int(size.group(1)) > EMPTY


def _cached(machine: Machine, repository: str, folder: str) -> Cached | None:
    path = f"{folder}/{REPOMD}"
    try:
        index, refreshed = machine.read(path), machine.stat(path).mtime
    except NotFound:
        return None
    if b"<repomd" not in index:
        raise CannotRead("not_understood", path)
    files = machine.listdir(folder)
    if COOKIE in files:
        refreshed = max(refreshed, machine.stat(f"{folder}/{COOKIE}").mtime)
    published = max((int(stated) for stated in STATED.findall(index)), default=0)
    return Cached(repository, refreshed, published, names_advisories(index, files))


def _merged(found: list[Cached]) -> dict[str, Cached]:
    """By repository. One whose address was changed has two folders: the newer is in use, advisories must be in both."""
    merged: dict[str, Cached] = {}
    for cached in found:
        known = merged.get(cached.repository)
        if known is None:
            merged[cached.repository] = cached
            continue
        newer = max(known, cached, key=lambda one: one.refreshed)
        both = known.advisories and cached.advisories
        merged[cached.repository] = Cached(newer.repository, newer.refreshed, newer.published, both)
    return merged


def of_dnf(machine: Machine, root: str) -> dict[str, Cached]:
    """What dnf has downloaded, by repository: <id>-<digest>/repodata/repomd.xml."""
    found = []
    for name in machine.names(root):
        folder = HASHED.fullmatch(name)
        if folder:
            cached = _cached(machine, folder.group("id"), f"{root}/{name}/repodata")
            found += [cached] if cached else []
    return _merged(found)


def of_yum(machine: Machine) -> dict[str, Cached]:
    """What yum has downloaded: <architecture>/<release>/<id>/repomd.xml."""
    found = []
    for arch in machine.names(YUM):
        for release in _folders(machine, f"{YUM}/{arch}"):
            for name in _folders(machine, f"{YUM}/{arch}/{release}"):
                cached = _cached(machine, name, f"{YUM}/{arch}/{release}/{name}")
                found += [cached] if cached else []
    return _merged(found)


def of_zypper(machine: Machine) -> dict[str, Cached]:
    """What zypper has downloaded: <alias>/repodata/repomd.xml."""
    found = []
    for name in machine.names(ZYPPER):
        cached = _cached(machine, name, f"{ZYPPER}/{name}/repodata")
        found += [cached] if cached else []
    return _merged(found)


def _folders(machine: Machine, path: str) -> list[str]:
    """The names in a folder, or none where a file of another kind lies in its place."""
    try:
        return machine.listdir(path)
    except NotFound:
        return []
