"""Protection products on macOS: by the catalogue, by what each tells of itself, and what the system brings."""

from __future__ import annotations

from dataclasses import replace

from muster_agent import catalogue
from muster_agent.collect.antivirus import clamav, telling, xprotect
from muster_agent.evidence import Finding, darwin
from muster_agent.facts import Antivirus, Problem, Table
from muster_agent.machine import Machine

CLAMAV = "clamav"


def row_of(machine: Machine, finding: Finding, notes: list[Problem]) -> Antivirus:
    """The row of a product that is there."""
    if finding.product.id == xprotect.ID:
        return xprotect.with_xprotect(machine, telling.row_of(replace(finding, doubt=None), notes), notes)
    row = telling.row_of(finding, notes)
    if finding.product.id == CLAMAV:
        # On macOS nothing makes ClamAV check files as they are opened.
        return telling.with_clamav(machine, replace(row, realtime=False), finding, clamav.DARWIN_DATABASES, notes)
    return telling.with_told(machine, row, telling.DARWIN, notes)


def collect(machine: Machine) -> Table:
    """The products that are there. ``registered`` stays null: macOS has no security centre."""
    findings, notes = darwin.look(machine).search(catalogue.products())
    rows = tuple(row_of(machine, finding, notes) for finding in findings)
    return Table(rows=rows, notes=tuple(notes))
