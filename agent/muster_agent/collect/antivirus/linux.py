"""Protection products on Linux: by the catalogue, by what each tells of itself, and by the menu of the desktop."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable

from muster_agent import catalogue
from muster_agent.collect.antivirus import clamav, desktop_entries, telling
from muster_agent.evidence import Finding, linux
from muster_agent.evidence.linux import Look, is_program, under
from muster_agent.facts import Antivirus, Problem, Table
from muster_agent.machine import Machine

CLAMAV = "clamav"


def with_clamav(look: Look, finding: Finding, row: Antivirus, notes: list[Problem]) -> Antivirus:
    """ClamAV's own facts. It checks files as they are opened only while both clamonacc and clamd run."""
    on_access = any(is_program(process, clamav.ON_ACCESS) for process in look.processes)
    realtime = on_access and row.running
    if look.hidden is not None and not realtime:
        realtime = None
        notes.append(replace(look.hidden, column="realtime"))
    basis = (row.basis or "") + (f" process:{clamav.ON_ACCESS}" if on_access else "")
    row = replace(row, realtime=realtime, basis=basis)
    return telling.with_clamav(look.machine, row, finding, [clamav.folder(look.machine)], notes)


def is_known(entry: desktop_entries.Entry, findings: Iterable[Finding]) -> bool:
    """Whether an entry of the menu is of a product that was found: it lies, or its program does, in the product's
    folder, or it bears the maker's name."""
    for finding in findings:
        evidence = finding.product.linux
        assert evidence is not None
        places = [entry.file, *([entry.program] if entry.program else [])]
        if any(under(place, evidence.paths) for place in places) or finding.product.vendor in entry.name:
            return True
        if any(
            f"/{package}/" in entry.file or entry.file.endswith(f"/{package}.desktop") for package in evidence.packages
        ):
            return True
    return False


def unknown_row(entry: desktop_entries.Entry, look: Look) -> Antivirus:
    """A product the catalogue does not know. It runs when a program in the folder of its own program does."""
    running = None
    if entry.program is not None and entry.program.startswith(("/opt/", "/usr/local/", "/usr/lib/")):
        folder = entry.program.rpartition("/")[0]
        seen = any(process.path is not None and under(process.path, [folder]) for process in look.processes)
        running = True if seen else None
    return Antivirus(name=entry.name, running=running, basis="desktop:" + entry.file)


def collect(machine: Machine) -> Table:
    """The products that are there. ``registered`` stays null: Linux has no security centre."""
    look = linux.look(machine)
    findings, notes = look.search(catalogue.products())
    rows = []
    for finding in findings:
        row = telling.row_of(finding, notes)
        if finding.product.id == CLAMAV:
            rows.append(with_clamav(look, finding, row, notes))
        else:
            rows.append(telling.with_told(machine, row, telling.LINUX, notes))
    entries, unread = desktop_entries.entries(machine)
    notes += unread
    for entry in entries:
        if not is_known(entry, findings):
            row = unknown_row(entry, look)
            rows.append(row)
            if row.running is None and look.hidden is not None:
                notes.append(replace(look.hidden, column="running"))
            notes.append(Problem("unsupported", "product_not_in_catalogue", entry.file, "type"))
    return Table(rows=tuple(rows), notes=tuple(notes))
