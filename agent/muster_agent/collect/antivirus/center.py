"""The entries of the security centre beside what was found otherwise: whose they are, and what each is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable

from muster_agent.catalogue import Catalogue, Product
from muster_agent.collect.antivirus.security_center import SERVICE, Registration, registrations
from muster_agent.dataclass import dataclass
from muster_agent.evidence.names import Names
from muster_agent.evidence.windows import RUNNING, Look, Shown, WindowsFinding
from muster_agent.evidence.windows_paths import Paths
from muster_agent.facts import Antivirus, Problem
from muster_agent.machine import CannotRead, Machine

DEFENDER = "ms-defender"
PROTECTION = ("av", "edr")
# WSC_SECURITY_PROVIDER_HEALTH of WSC_SECURITY_PROVIDER_ANTIVIRUS.
HEALTH, ANTIVIRUS = "WscGetSecurityProviderHealth", "4"
HEALTHS = ("good", "not monitored", "poor", "snoozed")


@dataclass(frozen=True)
class Center:
    """The entries with the product each is of. ``kept`` is False where this Windows keeps no list."""

    entries: tuple[tuple[Product | None, Registration], ...]
    kept: bool
    whole: bool  # every entry could be read
    live: bool | None  # the service that keeps the list runs; None when that could not be told

    def of(self, product_id: str) -> list[Registration]:
        """The entries of a product, those whose program is there, is named, and that are on first."""
        own = [entry for product, entry in self.entries if product is not None and product.id == product_id]
        return sorted(own, key=lambda entry: (entry.gone, entry.unnamed, not entry.on, entry.name, entry.state))

    def entry(self, product_id: str) -> Registration | None:
        """The entry that speaks for a product; None when all that is left of it are remnants."""
        return next((entry for entry in self.of(product_id) if not entry.gone), None)

    def registered(self, product_id: str) -> bool | None:
        """Whether there is an entry of the product, whatever it is worth; None when it may be one that was not read."""
        if self.of(product_id):
            return True
        return False if self.kept and self.whole else None

    def adopted(self, findings: Iterable[WindowsFinding], look: Look) -> Center:
        """The same entries, with those of an unknown name given to the one product in whose folder, by its services,
        their program lies: ESET calls itself otherwise in every language."""
        folders: dict[str, tuple[Product, set[str]]] = {}
        for finding in findings:
            own = {look.paths.own(key.path.rpartition("\\")[0]) for key in finding.services if not key.driver}
            folders[finding.product.id] = finding.product, {folder for folder in own if folder}
        entries = []
        for product, entry in self.entries:
            if product is None and entry.program is not None and not entry.gone:
                inside = [owner for owner, own in folders.values() if Paths.under(entry.program, own)]
                product = inside[0] if len(inside) == 1 else None
            entries.append((product, entry))
        return replace(self, entries=tuple(entries))

    def says(
        self, entry: Registration | None, running: bool | None, notes: list[Problem]
    ) -> tuple[bool | None, bool | None]:
        """(checks files as they are opened, signatures are current) by ``entry``. A product that does not run checks
        nothing, an entry nobody keeps says nothing of today, and of two that differ nobody knows which is meant."""
        if entry is None or not self.live:
            return None, None
        states, ages = ({getattr(twin, name) for twin in self._twins(entry)} for name in ("on", "current"))
        differ = [("realtime", len(states) > 1 and running is not False), ("signatures_current", len(ages) > 1)]
        notes += [Problem("error", "registered_twice", entry.name, column) for column, twice in differ if twice]
        on = entry.on if len(states) == 1 else None
        realtime = False if running is False else running if on is True else on
        return realtime, entry.current if len(ages) == 1 else None

    def _twins(self, entry: Registration) -> list[Registration]:
        """``entry`` and the others of its product whose program is there; of one nobody knows, those of its name."""
        owner = next((product for product, other in self.entries if other is entry), None)
        return [
            other
            for product, other in self.entries
            if not other.gone
            and (product.id == owner.id if product and owner else product is owner and other.name == entry.name)
        ]

    def shown(self, look: Look) -> dict[str, Shown]:
        """What the entries show of the products of the catalogue."""
        found: dict[str, Shown] = {}
        for product, entry in self.entries:
            if product is None or entry.gone or entry.unnamed:
                continue
            folder = look.paths.own(entry.program.rpartition("\\")[0]) if entry.program else None
            before = found.get(product.id, Shown((), ()))
            folders = (*before.folders, folder) if folder and not entry.of_microsoft else before.folders
            found[product.id] = Shown((*before.presence, "registration:" + entry.name), folders)
        return found

    def unknown(self, look: Look, notes: list[Problem]) -> list[Antivirus]:
        """A row for every product the catalogue does not know. Windows itself calls it an antivirus."""
        rows = []
        for product, entry in self.entries:
            if product is not None or entry.gone or entry.unnamed:
                continue
            folder = look.paths.own(entry.program.rpartition("\\")[0]) if entry.program else None
            running = look.runs_in({folder} if folder else set())
            realtime, current = self.says(entry, running, notes)
            notes.append(Problem("unsupported", "product_not_in_catalogue", entry.name, "signatures_date"))
            if running is None:
                hidden = look.hidden or Problem("unsupported", "product_programs_unknown", entry.name)
                notes += [replace(hidden, column=column) for column in ("running", "realtime")]
            rows.append(
                Antivirus(
                    name=entry.name,
                    type="av",
                    registered=True,
                    running=running,
                    realtime=realtime,
                    signatures_current=current,
                    basis="registration:" + entry.name,
                )
            )
        return rows

    def unproven(self, found: Iterable[str], notes: list[Problem]) -> list[Antivirus]:
        """A row for every entry that names no program and of whose product nothing else was found. It has no type, so
        that no rule takes it for protection."""
        there = set(found)
        rows = []
        for product, entry in self.entries:
            if entry.gone or not entry.unnamed or (product is not None and product.id in there):
                continue
            unknown = ("type", "running", "realtime", "signatures_current")
            fresh = [Problem("unsupported", "program_not_named", entry.name, column) for column in unknown]
            notes += [note for note in fresh if note not in notes]
            rows.append(
                Antivirus(
                    id=product.id if product else None,
                    name=product.name if product else entry.name,
                    vendor=product.vendor if product else None,
                    registered=True,
                    basis="registration:" + entry.name,
                )
            )
        return rows

    def remnants(self, found: Iterable[str], notes: list[Problem]) -> list[Antivirus]:
        """A row for every entry whose program is gone and of whose product nothing else was found."""
        there = set(found)
        rows = []
        for product, entry in self.entries:
            if not entry.gone:
                continue
            if product is not None and product.id in there:
                if self.entry(product.id) is None:
                    notes.append(Problem("stale", "stale_registration", entry.name, "registered"))
                continue
            note = Problem("stale", "stale_registration", entry.name, "type")
            notes += [note] if note not in notes else []
            rows.append(
                Antivirus(
                    id=product.id if product else None,
                    name=product.name if product else entry.name,
                    vendor=product.vendor if product else None,
                    registered=True,
                    running=False,
                    realtime=False,
                    basis=f"registration:{entry.name} gone:{entry.program}",
                )
            )
        return rows

    def doubts(self, machine: Machine, rows: Iterable[Antivirus]) -> list[Problem]:
        """A note when the security centre as a whole says something else than the rows."""
        try:
            health = machine.api(HEALTH, ANTIVIRUS)
        except CannotRead as error:
            return [] if self.kept or error.status == "unsupported" else [error.problem("registered")]
        if isinstance(health, bool) or not isinstance(health, int) or not 0 <= health < len(HEALTHS):
            return [Problem("error", "not_understood", HEALTH, "registered")]
        protection = [row for row in rows if row.type in PROTECTION]
        said = HEALTHS[health]
        if health == 0:  # something protects this PC, and it is none of the rows
            missing = all(row.realtime is False for row in protection)
            return [Problem("error", "security_center_disagrees", said)] if missing else []
        claimed = [row for row in protection if row.realtime and row.signatures_current is not False]
        return [Problem("error", "security_center_disagrees", said, "realtime")] if claimed else []


def read(machine: Machine, look: Look, catalogue: Catalogue, notes: list[Problem]) -> Center:
    """Read the entries and find out whose they are."""
    found, unread = registrations(machine, look.paths, look.system_root)
    notes += unread
    live = None if look.states is None else look.state(SERVICE) == RUNNING
    if found is None:
        if not look.server and not unread:
            notes.append(Problem("unsupported", "no_security_center_list", "Provider\\Av", "registered"))
        return Center((), False, False, live)
    if found and not live:
        problem = look.states_unread or Problem("stale", "security_center_off", SERVICE)
        columns = ("realtime", "signatures_current")
        notes += [Problem(problem.status, problem.code, problem.detail, column) for column in columns]
    names = Names(catalogue)
    products = {product.id: product for product in catalogue.products}
    whole = all(note.column is not None for note in unread)
    return Center(tuple((_owner(entry, names, products), entry) for entry in found), True, whole, live)


def _owner(entry: Registration, names: Names, products: dict[str, Product]) -> Product | None:
    found = names.product(entry.name, None)
    if found is None and entry.program is not None:
        found = names.owner(entry.program)
    if found is None and entry.of_microsoft:  # Defender's name depends on the language of Windows
        found = products.get(DEFENDER)
    return found
