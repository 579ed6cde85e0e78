"""Protection products on Linux, by the catalogue: there, at work, and (for ClamAV so far) how fresh."""

from __future__ import annotations

from dataclasses import replace

from muster_agent import catalogue
from muster_agent.catalogue import Product
from muster_agent.collect.antivirus import clamav
from muster_agent.collect.antivirus.evidence import Evidence, is_program
from muster_agent.facts import Antivirus, Problem, Table
from muster_agent.machine import CannotRead, Machine

CLAMAV = "clamav"
# What only a product's own program tells; asking it is not built yet, and the row says so.
TOLD_BY_ITSELF = ("realtime", "signatures_date")


def row_of(product: Product, presence: list[str], evidence: Evidence) -> Antivirus:
    """What the evidence alone says of a product that is there."""
    activity = evidence.activity(product)
    running: bool | None = True if activity else False if evidence.shows_all(product) else None
    if running is None:
        hidden = evidence.hidden or Problem("denied", "owner_hidden", product.id)
        evidence.notes.append(replace(hidden, column="running"))
    packages = (evidence.versions[name] for name in product.linux.packages if name in evidence.versions)
    return Antivirus(
        id=product.id,
        name=product.name,
        vendor=product.vendor,
        type=product.type,
        running=running,
        version=next(packages, None),
        basis=" ".join([*presence, *activity]),
    )


def with_clamav(machine: Machine, row: Antivirus, evidence: Evidence) -> Antivirus:
    """ClamAV's own facts. It checks files as they are opened only while both clamonacc and clamd run."""
    on_access = any(is_program(process, clamav.ON_ACCESS) for process in evidence.processes)
    realtime = on_access and row.running
    if evidence.hidden is not None and not realtime:
        realtime = None
        evidence.notes.append(replace(evidence.hidden, column="realtime"))
    basis = (row.basis or "") + (f" process:{clamav.ON_ACCESS}" if on_access else "")
    row = replace(row, realtime=realtime, basis=basis)
    try:
        found = clamav.signatures(machine)
    except CannotRead as error:
        evidence.notes += [error.problem(column) for column in ("signatures_date", "signatures_version")]
        return row
    return replace(
        row,
        signatures_version=str(found[0].version),
        signatures_date=found[0].date,
        basis=" ".join([row.basis or "", *(f"signatures:{entry.file}:{entry.version}" for entry in found)]),
    )


def collect(machine: Machine) -> Table:
    """The products that are there. ``registered`` stays null: Linux has no security centre."""
    evidence = Evidence(machine)
    rows = []
    for product in catalogue.load():
        presence = list(evidence.presence(product))
        if not presence:
            continue
        row = row_of(product, presence, evidence)
        if product.id == CLAMAV:
            row = with_clamav(machine, row, evidence)
        else:
            evidence.notes += [
                Problem("unsupported", "product_not_asked", product.id, column) for column in TOLD_BY_ITSELF
            ]
        rows.append(row)
    return Table(rows=tuple(rows), notes=tuple(evidence.notes))
