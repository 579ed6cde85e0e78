"""The pending updates of a PC of the rpm family, and everything that keeps them from being the whole truth."""

from __future__ import annotations

import re

from muster_agent.facts import Problem, Update
from muster_agent.machine import CannotRead, Machine, NotFound, Output, program_failed
from muster_agent.system.rpm import cache, check_update, program, updateinfo, zypper
from muster_agent.system.rpm.check_update import Offered
from muster_agent.system.rpm.installed import Installed
from muster_agent.system.rpm.program import Program
from muster_agent.system.rpm.updateinfo import Advised
from muster_agent.versions import rpm

LOCKED = "/etc/dnf/versionlock.toml"  # dnf 5 holds these back itself, and has no option against it
STALE = 30  # days by which knowledge may be older than the last start before nothing rests on its silence
DAY = 86400
# dnf and yum end with 100 when there is something to update; zypper with 106 when it left repositories out.
UPDATES, REPOSITORIES_SKIPPED = 100, 106


class Pending:
    """The reading of one PC: :attr:`rows`, and in :attr:`notes` what it cannot tell."""

    def __init__(self, machine: Machine, packages: list[Installed]) -> None:
        self.machine = machine
        self.notes: list[Problem] = []
        self.rows: list[Update] = []
        self.installed: dict[tuple[str, str], Installed] = {}
        for package in packages:  # of several versions of a kernel the newest
            known = self.installed.get((package.name, package.arch))
            if known is None or rpm(package.version) > rpm(known.version):
                self.installed[package.name, package.arch] = package
        self.program = program.of(machine)
        if not self.program.date:
            raise CannotRead("no_repository_cache", self.program.root)
        self.notes += [Problem("error", "repository_not_cached", name) for name in self.program.missing]
        if self.program.root == cache.ZYPPER:
            self._zypper(self.program)
        else:
            self._dnf(self.program)
        self._say_how_old(self.program)

    # -- what all have in common -------------------------------------------------------------------------------------

    def _run(self, argv: tuple[str, ...], good: tuple[int, ...]) -> Output:
        output = self.machine.run(list(argv), program.TIME_LIMIT)
        if output.status not in good:
            raise program_failed(list(argv), output.status, output.stderr)
        return output

    def _say_how_old(self, known: Program) -> None:
        """Note old knowledge: what it tells is pending still, what it does not tell proves nothing.

        The agent takes no clock's word for how old that is, but the last start of the PC and its newest package: the
        rows must not change while the PC does not. That the knowledge has a date is update_status's to say.
        """
        try:
            started = re.search(r"^btime ([0-9]{1,10})$", self.machine.text("/proc/stat"), re.MULTILINE)
        except CannotRead:
            started = None
        seen = [int(started.group(1))] if started else []
        seen += [package.installed_at for package in self.installed.values()]
        oldest = max(seen, default=0) - STALE * DAY
        if known.date < oldest and not self.rows:
            raise CannotRead("metadata_stale", cache.moment(known.date), "stale")
        for name, cached in known.cached.items():  # one can be fresh while another, perhaps the system's, is dead
            if cached.date < oldest and known.uses(name):
                self.notes.append(Problem("stale", "metadata_stale", f"{name} {cache.moment(cached.date)}"))

    def _installed(self, name: str, arch: str) -> Installed | None:
        """The installed package an offer is newer than; of another architecture where a package changed its own."""
        found = self.installed.get((name, arch))
        if found is not None:
            return found
        others = [package for (known, _), package in self.installed.items() if known == name]
        return max(others, key=lambda package: rpm(package.version), default=None)

    # -- dnf and yum -------------------------------------------------------------------------------------------------

    def _dnf(self, known: Program) -> None:
        argv = known.argv
        if known.repositories.excludes:
            # A hold mends nothing. But where a repository is restricted to some packages, the option that shows what
            # is held back would show all of that as well.
            if known.repositories.includes:
                self.notes.append(Problem("unsupported", "packages_held_back", "excludepkgs"))
            else:
                argv = (*argv, *known.without_excludes)
        if known.root == cache.DNF5 and self._locked():
            self.notes.append(Problem("unsupported", "packages_held_back", LOCKED))
        output = self._run((*argv, *known.check_update), (0, UPDATES))
        offers, replacing = check_update.parse(output.stdout.decode("utf-8", "replace"))
        if output.status == UPDATES and not offers and not replacing:
            raise CannotRead("not_understood", f"{argv[0]} ({UPDATES})")
        offers += self._replacements(offers, replacing)
        advised = self._advised((*argv, *known.updateinfo)) if offers else {}
        self.rows = [self._row(offer, known, advised) for offer in offers]
        silent = sorted({offer.repository for offer, row in zip(offers, self.rows) if row.security is None})
        if silent and advised is not None:
            self.notes.append(Problem("unsupported", "no_advisories", " ".join(silent), "security"))

    def _locked(self) -> bool:
        try:
            return re.search(r"^[ \t]*name[ \t]*=", self.machine.text(LOCKED), re.MULTILINE) is not None
        except NotFound:
            return False

    def _replacements(self, offers: list[Offered], replacing: list[tuple[Offered, Offered]]) -> list[Offered]:
        """What would be installed in place of a package of another name, in its newest version."""
        named = {(offer.name, offer.arch) for offer in offers}
        newest: dict[tuple[str, str], Offered] = {}
        for new, old in replacing:
            key = (new.name, new.arch)
            if key in named or new.name == old.name:
                continue
            if key not in newest or rpm(new.version) > rpm(newest[key].version):
                newest[key] = new
        return list(newest.values())

    def _advised(self, argv: tuple[str, ...]) -> dict[tuple[str, str], list[Advised]] | None:
        """The advisories by package; None, with a note, when they could not be asked for."""
        found: dict[tuple[str, str], list[Advised]] = {}
        try:
            output = self._run(argv, (0,))
            for advised in updateinfo.parse(output.stdout.decode("utf-8", "replace")):
                found.setdefault((advised.name, advised.arch), []).append(advised)
        except CannotRead as error:
            self.notes.append(error.problem("security"))
            return None
        return found

    def _row(self, offer: Offered, known: Program, advised: dict[tuple[str, str], list[Advised]] | None) -> Update:
        package = self._installed(offer.name, offer.arch)
        about = (advised or {}).get((offer.name, offer.arch), [])
        if package is not None:  # the version that mends a fault may stand below the one on offer
            about = [one for one in about if rpm(one.version) > rpm(package.version)]
        mending = [one for one in about if one.kind == "security"]
        chosen = max(mending or about, key=lambda one: (one.weight, rpm(one.version), one.advisory), default=None)
        of_here = known.cached.get(offer.repository)
        # Silence is an answer only from a repository that has advisories, and for a package that is there already.
        says_no = advised is not None and of_here is not None and of_here.advisories and package is not None
        return Update(
            name=offer.name,
            arch=offer.arch,
            source=(package.source or None) if package else None,
            installed=package.version if package else None,
            available=offer.version,
            security=True if mending else False if says_no else None,
            origin=offer.repository or None,
            severity=(chosen.severity or None) if chosen else None,
            advisory=chosen.advisory if chosen else None,
        )

    # -- zypper ------------------------------------------------------------------------------------------------------

    def _zypper(self, known: Program) -> None:
        argv = (*known.argv, *known.check_update)
        output = self._run(argv, (0, UPDATES, UPDATES + 1, REPOSITORIES_SKIPPED))
        found = zypper.parse(output.stdout)
        if output.status == REPOSITORIES_SKIPPED:
            self.notes.append(program_failed(list(argv), output.status, output.stderr).problem())
        mending = [row for row in found if row.kind == "patch" and row.category == "security"]
        self.rows = [self._patch(row) for row in mending]
        for row in (row for row in found if row.kind == "package"):
            of_here = known.cached.get(row.repository)
            says_no = not mending and of_here is not None and of_here.advisories
            package = self._installed(row.name, row.arch)
            self.rows.append(
                Update(
                    name=row.name,
                    arch=row.arch,
                    source=(package.source or None) if package else None,
                    installed=row.installed or (package.version if package else None),
                    available=row.available,
                    security=False if says_no else None,
                    origin=row.repository or None,
                )
            )
        if any(row.security is None for row in self.rows):
            code = "patches_mend_packages" if mending else "no_advisories"
            silent = sorted({row.origin for row in self.rows if row.security is None and row.origin})
            self.notes.append(Problem("unsupported", code, " ".join(silent), "security"))

    def _patch(self, row: zypper.Row) -> Update:
        """A patch, SUSE's own unit of update: that it is needed says that some package here has the fault."""
        return Update(
            name=row.name,
            arch=row.arch or None,
            available=row.available or None,
            security=True,
            origin=row.repository or None,
            severity=row.severity or None,
            advisory=row.name,
        )
