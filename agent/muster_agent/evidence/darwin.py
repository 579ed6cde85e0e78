"""What of a product is there and what of it runs on a Mac, by the evidence of the catalogue.

Dragging a program to the trash leaves its folders and launchd's files behind: a job counts while its program is there,
and the folders that stay only help to tell whose a process is.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from muster_agent.catalogue import Catalogue, DarwinEvidence, Product
from muster_agent.evidence import Finding
from muster_agent.evidence.linux import under
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, NotFound, Process
from muster_agent.system import plist
from muster_agent.system.launchd import launchctl
from muster_agent.system.launchd.jobs import job

APPLICATIONS = "/Applications"
JOBS = ("/Library/LaunchDaemons", "/Library/LaunchAgents")
EXTENSIONS = "/Library/SystemExtensions"  # <UUID>/<bundle identifier>.systemextension
EXTENSION = ".systemextension"


class Look:
    """One look at a Mac: its programs, jobs, extensions and processes. ``notes`` says what could not be seen."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.notes: list[Problem] = []
        self.apps = set(self._names(APPLICATIONS))
        self.jobs = {name: f"{folder}/{name}" for folder in JOBS for name in self._names(folder)}
        self.extensions: dict[str, str] = {}
        for place in self._names(EXTENSIONS):
            if place.count("-") == 4:
                for name in self._names(f"{EXTENSIONS}/{place}"):
                    self.extensions[name] = f"{EXTENSIONS}/{place}/{name}"
        self.processes: tuple[Process, ...] = ()
        self.hidden: Problem | None = None
        try:
            listing = machine.processes()
            self.processes, self.hidden = listing.rows, listing.problem
        except CannotRead as error:
            self.hidden = error.problem()
        self.running_jobs: dict[str, bool] = {}
        if self.hidden is not None:  # launchd shows to root alone what it runs; the services are asked of it anyway
            with contextlib.suppress(CannotRead):  # why processes were not seen stands with every row that needs them
                self.running_jobs = machine.once(launchctl.running)

    def _names(self, folder: str) -> list[str]:
        try:
            return self.machine.names(folder)
        except CannotRead as error:
            self.notes.append(error.problem())
            return []

    def search(self, catalogue: Catalogue) -> tuple[list[Finding], list[Problem]]:
        """The products of ``catalogue`` that are there, and notes on what could not be seen."""
        notes = list(self.notes)
        found = []
        for product in catalogue.on("darwin"):
            assert product.darwin is not None
            presence, folders = self._traces(product.darwin, notes)
            if presence:
                finding = self._finding(product, product.darwin, presence, folders, catalogue.generic)
                found.append(replace(finding, version=self._version(presence, notes)))
        return found, notes

    def _traces(self, evidence: DarwinEvidence, notes: list[Problem]) -> tuple[list[str], list[str]]:
        """(what shows it, where its programs lie)."""
        presence, folders = [], list(evidence.folders)
        for app in evidence.apps:
            folders.append(f"{APPLICATIONS}/{app}")
            if app in self.apps:
                presence.append("app:" + app)
        for path in evidence.paths:
            try:
                if self.machine.exists(path):
                    presence.append("path:" + path)
                    folders.append(path)
            except CannotRead as error:
                notes.append(error.problem())
        for extension in evidence.extensions:
            if extension + EXTENSION in self.extensions:
                presence.append("extension:" + extension)
                folders.append(self.extensions[extension + EXTENSION])
        for label in evidence.launchd:
            place = self.jobs.get(label + ".plist")
            if place is not None and self._starts_something(place, notes):
                presence.append("launchd:" + label)
        return presence, folders

    def _starts_something(self, place: str, notes: list[Problem]) -> bool:
        try:
            program = job(plist.read(self.machine, place), place).program
            return program is not None and program.startswith("/") and self.machine.exists(program)
        except CannotRead as error:
            notes.append(error.problem())
            return False

    def _finding(
        self,
        product: Product,
        evidence: DarwinEvidence,
        presence: list[str],
        folders: list[str],
        generic: frozenset[str],
    ) -> Finding:
        def is_of(process: Process) -> bool:
            if evidence.processes and process.name not in evidence.processes:
                return False
            if process.path is None:
                return bool(evidence.processes) and process.name not in generic
            return under(process.path, folders)

        seen = sorted({process.name for process in self.processes if is_of(process)})
        running: bool | None = bool(seen)
        doubt = None
        if not seen:
            unnamed = not any(name not in generic for name in evidence.processes)
            if self.hidden is not None:
                running, doubt = None, self.hidden
            elif unnamed and any(process.path is None for process in self.processes):
                running, doubt = None, Problem("denied", "owner_hidden", product.id)
        activity = tuple("process:" + name for name in seen)
        jobs = [label for label in evidence.launchd if "launchd:" + label in presence and self.running_jobs.get(label)]
        if jobs and not seen:
            running, doubt, activity = True, None, tuple("running:" + label for label in jobs)
        return Finding(product, tuple(presence), activity, running, None, doubt)

    def _version(self, presence: list[str], notes: list[Problem]) -> str | None:
        """The version of the first bundle among ``presence``."""
        for entry in presence:
            kind, _, name = entry.partition(":")
            place = f"{APPLICATIONS}/{name}" if kind == "app" else name
            if kind in ("app", "path") and place.endswith((".app", ".bundle")):
                try:
                    info = plist.read(self.machine, place + "/Contents/Info.plist")
                except CannotRead as error:
                    notes += [] if isinstance(error, NotFound) else [error.problem("version")]
                    continue
                return plist.text(info, "CFBundleShortVersionString")
        return None


def look(machine: Machine) -> Look:
    """The one look of this run."""
    return machine.once(Look)
