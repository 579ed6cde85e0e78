"""What of a product is there and what of it runs on a Windows PC, by the evidence of the catalogue."""

from __future__ import annotations

from dataclasses import field
from typing import Mapping

from muster_agent.catalogue import Catalogue, Product
from muster_agent.dataclass import dataclass
from muster_agent.evidence import Finding
from muster_agent.evidence.names import Names
from muster_agent.evidence.service_keys import ServiceKey, ServiceKeys
from muster_agent.evidence.uninstall import Program, programs
from muster_agent.evidence.windows_paths import Paths
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, Process
from muster_agent.system import current_version

RUNNING = "RUNNING"
# Parts of the kernel that are listed like processes and have no file.
KERNEL = frozenset(
    {"system idle process", "system", "registry", "memcompression", "memory compression", "secure system"}
)


@dataclass(frozen=True)
class Shown:
    """What somebody else shows of a product: an entry of the security centre, and the folder of its program."""

    presence: tuple[str, ...]
    folders: tuple[str, ...]


@dataclass(frozen=True)
class WindowsFinding(Finding):
    """A product that is there, with its services. ``listed``: only the list of programs names it, and no folder,
    service or process of it was found."""

    services: tuple[ServiceKey, ...] = ()
    listed: bool = False


@dataclass
class _Traces:
    """What was found of one product."""

    presence: list[str] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    services: list[ServiceKey] = field(default_factory=list)
    version: str | None = None


class Look:
    """One look at a PC: its services, programs and processes. ``notes`` says what could not be seen."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.notes: list[Problem] = []
        self.server: bool | None = None
        self.system_root: str | None = None
        try:
            version = current_version.read(machine)
            self.system_root, self.server = version.system_root, version.server
        except CannotRead as error:
            self.notes.append(error.problem("version"))
        self.paths = Paths(machine, self.system_root)
        self.programs: list[Program]
        self.programs, unread = programs(machine)
        self.notes += unread
        self.states: dict[str, str] | None = None  # of services, by their names in small letters
        self.states_unread: Problem | None = None
        try:
            answer = machine.api("EnumServicesStatusEx")
            if not isinstance(answer, dict):
                raise CannotRead("not_understood", "EnumServicesStatusEx")
            self.states = {name.lower(): str(state) for name, state in answer.items()}
        except CannotRead as error:
            self.states_unread = error.problem()
        self.processes: tuple[Process, ...] = ()
        self.hidden: Problem | None = None
        try:
            listing = machine.processes()
            self.processes, self.hidden = listing.rows, listing.problem
        except CannotRead as error:
            self.hidden = error.problem()

    def state(self, service: str) -> str | None:
        """The state of a service; None when it has none, or the states could not be read."""
        return (self.states or {}).get(service.lower())

    def runs_in(self, folders: set[str]) -> bool | None:
        """Whether a program in one of ``folders`` runs; None when that cannot be told."""
        if any(process.path is not None and Paths.under(process.path, folders) for process in self.processes):
            return True
        hidden = any(process.path is None and process.name.lower() not in KERNEL for process in self.processes)
        return None if self.hidden is not None or hidden or not folders else False

    def search(self, catalogue: Catalogue, shown: Mapping[str, Shown]) -> tuple[list[WindowsFinding], list[Problem]]:
        """The products of ``catalogue`` that are there, and notes on what could not be seen.

        Of a product and a variant of it, which is made of the same programs, only the variant is there when it shows.
        """
        notes = list(self.notes)
        names = Names(catalogue)
        found: dict[str, tuple[Product, _Traces]] = {}
        try:
            keys: ServiceKeys | None = ServiceKeys(self.machine, self.paths, self.system_root, catalogue.generic)
        except CannotRead as error:
            notes.append(error.problem())
            keys = None
        for product in catalogue.on("windows"):
            traces = self._traces(product, names, keys, shown.get(product.id), notes)
            if traces.presence:
                found[product.id] = (product, traces)
        for product, traces in list(found.values()):
            base = found.pop(product.variant_of, None) if product.variant_of else None
            if base is not None:
                traces.presence += base[1].presence
                traces.folders |= base[1].folders
                traces.services += base[1].services
                traces.version = traces.version or base[1].version
        known = {product.id: product for product in catalogue.products}
        findings = [self._finding(product, traces, known, catalogue.generic) for product, traces in found.values()]
        return findings, [*notes, *self.paths.unread]

    def _traces(
        self, product: Product, names: Names, keys: ServiceKeys | None, shown: Shown | None, notes: list[Problem]
    ) -> _Traces:
        assert product.windows is not None
        traces = _Traces()
        if shown is not None:
            traces.presence += shown.presence
            traces.folders |= set(shown.folders)
        traces.services = keys.of(product, notes) if keys is not None else []
        for key in traces.services:
            traces.presence.append(("driver:" if key.driver else "service:") + key.name)
            folder = None if key.driver else self.paths.own(key.path.rpartition("\\")[0])
            traces.folders |= {folder} if folder else set()
        for program in self.programs:
            owner = names.product(program.name, program.publisher)
            if owner is None or owner.id != product.id:
                continue
            if program.folder is not None and self.paths.own(program.folder) and not self.paths.there(program.folder):
                continue  # the entry was left behind when its folder was removed
            traces.presence.append("program:" + program.name)
            traces.version = traces.version or program.version
            folder = self.paths.own(program.folder)
            traces.folders |= {folder} if folder else set()
        for path in product.windows.paths:
            there = self.paths.there(path)
            if there is not None:
                traces.presence.append("path:" + there)
                folder = self.paths.own(there.rpartition("\\")[0] if there.lower().endswith(".exe") else there)
                traces.folders |= {folder} if folder else set()
        return traces

    def _finding(
        self, product: Product, traces: _Traces, known: Mapping[str, Product], generic: frozenset[str]
    ) -> WindowsFinding:
        names: set[str] = set()
        for maker in (product, known.get(product.variant_of or "")):
            if maker is not None and maker.windows is not None:
                names |= {name.lower() for name in maker.windows.processes}
        running = [key for key in traces.services if key.protects and self.state(key.name) == RUNNING]
        seen = {process.name for process in self.processes if self._is_of(process, names, traces.folders, generic)}
        activity = (*("running:" + key.name for key in running), *("process:" + name for name in sorted(seen)))
        answer, doubt = (True, None) if activity else self._at_rest(product, traces, names, generic)
        presence = tuple(dict.fromkeys(traces.presence))
        listed = not activity and not traces.folders and all(sign.startswith("program:") for sign in presence)
        return WindowsFinding(
            product, presence, activity, answer, traces.version, doubt, services=tuple(traces.services), listed=listed
        )

    def _is_of(self, process: Process, names: set[str], folders: set[str], generic: frozenset[str]) -> bool:
        """Whether ``process`` is the product at work: by its name, in the product's folder where that is known; where
        no names are known, any program in its folder."""
        name = process.name.lower()
        if not names:
            return process.path is not None and Paths.under(process.path, folders)
        if name not in names:
            return False
        if process.path is None:  # a protected process does not show its file to everybody
            return name not in generic
        if folders:
            return Paths.under(process.path, folders)
        return name not in generic and not Paths.anybody(process.path)

    def _at_rest(
        self, product: Product, traces: _Traces, names: set[str], generic: frozenset[str]
    ) -> tuple[bool | None, Problem | None]:
        """(False, None) when the product would have been seen if it ran, else None and why it cannot be told."""
        protecting = [key for key in traces.services if key.protects]
        if protecting and all(self.state(key.name) is not None for key in protecting):
            return False, None
        if self.hidden is not None:
            return None, self.hidden
        if any(name not in generic for name in names):
            return False, None
        if self.runs_in(traces.folders) is False:
            return False, None
        return None, self.states_unread or Problem("unsupported", "product_programs_unknown", product.id)


def look(machine: Machine) -> Look:
    """The one look of this run."""
    return machine.once(Look)
