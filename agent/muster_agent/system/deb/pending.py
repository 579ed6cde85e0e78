"""The pending updates of a PC of the Debian family, and everything that keeps them from being the whole truth."""

from __future__ import annotations

from typing import List, Tuple

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import osrelease
from muster_agent.system.deb import configuration, lists, preferences, sources
from muster_agent.system.deb.candidate import Candidate, candidate, merged, newer_than
from muster_agent.system.deb.lists import Offers, PackageList
from muster_agent.system.deb.sources import Source
from muster_agent.system.deb.status import Installed, native_architecture

Found = List[Tuple[Installed, Candidate]]

# Every PC has these, and every system's own archive offers them: a PC whose lists do not know them lacks the list of
# its system and sees the updates of third parties only.
ALWAYS_OFFERED = ("base-files", "libc6", "dpkg")
# Its updates, security and others, come in one suite (endpoints.md §2.3).
ONE_SUITE_FOR_ALL = "kylin"


class Pending:
    """The reading of one PC: :attr:`found`, and in :attr:`notes` what it cannot tell."""

    def __init__(self, machine: Machine, packages: list[Installed]) -> None:
        self.machine = machine
        self.notes: list[Problem] = []
        self.native = native_architecture(packages)
        self.family = osrelease.family(machine)
        self.installed = {(package.name, self._arch(package.arch)): package for package in packages}
        self.security_unread = False  # a list of security updates could not be read
        self.lists = self._lists()
        self.offers = self._offers()
        self.knows_security = any(listed.is_security(self.family) for listed in self.lists)
        self._note_missing_lists()
        self.found = self._simulated() if self._direct_is_doubtful() else self._direct()

    def _arch(self, arch: str) -> str:
        return self.native if arch == "all" else arch

    def _lists(self) -> list[PackageList]:
        used: list[Source] | None = None
        try:
            used = sources.read(self.machine, self.native)
        except CannotRead as error:
            self.notes.append(error.problem())
        found = lists.lists(self.machine, tuple({arch for _, arch in self.installed}), used)
        if not found:
            raise CannotRead("no_apt_lists", lists.FOLDER)
        names = self.machine.names(lists.FOLDER)
        for source in used or ():
            if not any(name.startswith(source.prefix) for name in names):
                self.notes.append(Problem("error", "source_not_downloaded", source.prefix))
        return found

    def _offers(self) -> Offers:
        offers: Offers = {}
        wanted = frozenset(name.encode() for name, _ in self.installed)
        failures = []
        for listed in self.lists:
            try:
                for name, arch, offer in lists.read(self.machine, listed, wanted, self.native, self.family):
                    if (name, arch) in self.installed:
                        offers.setdefault((name, arch), []).append(offer)
            except CannotRead as error:
                failures.append(error)
                if listed.is_security(self.family):
                    self.security_unread = True
                    self.notes.append(error.problem("security"))
        if len(failures) == len(self.lists):
            raise failures[0]
        self.notes += [error.problem() for error in failures]
        return offers

    def mends(self, chosen: Candidate) -> bool | None:
        """Whether an update mends a security fault; None where the list that would say so is missing or unread."""
        if not self.knows_security or (self.security_unread and not chosen.security):
            return None
        return chosen.security

    def _note_missing_lists(self) -> None:
        if not any((name, self.native) in self.offers for name in ALWAYS_OFFERED):
            self.notes.append(Problem("error", "no_system_list", lists.FOLDER))
        if self.knows_security:
            return
        self.notes.append(Problem("unsupported", "no_security_list", lists.FOLDER, "security"))
        if ONE_SUITE_FOR_ALL not in self.family:
            # Security updates may be pending that no list here tells of: zero rows would be no proof.
            self.notes.append(Problem("error", "no_security_list", lists.FOLDER))

    def _direct(self) -> Found:
        found: Found = []
        for key, package in self.installed.items():
            try:
                chosen = candidate(package.version, self.offers.get(key, []))
            except ValueError:
                self.notes.append(Problem("error", "illegal_version", package.name))
                continue
            if chosen is not None:
                found.append((package, chosen))
        return found

    def _direct_is_doubtful(self) -> bool:
        """Whether only apt knows what it would do: pins, a default release, or updates given out in phases."""
        names = {name for name, _ in self.installed}
        if preferences.read(self.machine, names, {listed.site for listed in self.lists}):
            return True
        settings = configuration.read(self.machine)
        elsewhere = ("dir", "dir::etc", "dir::etc::preferences", "dir::etc::preferencesparts", configuration.INCLUDES)
        if settings.get("apt::default-release") or any(name in settings for name in elsewhere):
            return True
        return any(offer.phased for offered in self.offers.values() for offer in offered)

    def _simulated(self) -> Found:
        from muster_agent.system.deb import simulation

        try:
            said = simulation.ask(self.machine)
        except CannotRead as error:
            self.notes.append(error.problem())
            return self._direct()
        found: Found = []
        for entry in said:
            key = (entry.name, self._arch(entry.arch or self.native))
            offers = self.offers.get(key, [])
            same = [offer for offer in offers if offer.version == entry.available]
            package = self.installed.get(key)
            if package is None or not same:
                self.notes.append(Problem("error", "not_understood", f"apt-get: {entry.name} {entry.available}"))
                continue
            try:
                found.append((package, merged(same, newer_than(package.version, offers))))
            except ValueError:
                self.notes.append(Problem("error", "illegal_version", package.name))
        # A pin that keeps a security update away mends nothing either: what is installed has the fault.
        told = {id(package) for package, _ in found}
        return found + [
            (package, chosen) for package, chosen in self._direct() if chosen.security and id(package) not in told
        ]
