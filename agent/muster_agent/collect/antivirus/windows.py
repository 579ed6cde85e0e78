"""Protection products on Windows: by the catalogue, by the security centre, and by what each tells of itself.

Registered, running and fresh are three facts. An entry of the security centre whose program is gone is a remnant: its
row has no type, so that no rule takes it for protection.
"""

from __future__ import annotations

from dataclasses import replace

from muster_agent import catalogue
from muster_agent.collect.antivirus import center as security
from muster_agent.collect.antivirus import defender, signature_registry, telling
from muster_agent.collect.antivirus.center import Center
from muster_agent.collect.antivirus.vendors import Told
from muster_agent.evidence import windows
from muster_agent.evidence.windows import WindowsFinding
from muster_agent.facts import Antivirus, Problem, Table
from muster_agent.machine import CannotRead, Machine

SENSE = "ms-mde"
COLUMNS = ("version", "signatures_version", "signatures_date")


def told_by(machine: Machine, finding: WindowsFinding, on: bool | None) -> Told | None:
    """What the product leaves about itself; None when no place is known. ``on``: what the security centre says."""
    product_id = finding.product.id
    if product_id in defender.KEYS:
        return defender.told(machine, product_id, finding.running, finding.services, on)
    ask = signature_registry.ASK.get(product_id)
    if ask is None:
        return None
    try:
        return ask(machine)
    except CannotRead as error:
        return Told(notes=tuple(error.problem(column) for column in signature_registry.COLUMNS))


def row_of(machine: Machine, finding: WindowsFinding, center: Center, notes: list[Problem]) -> Antivirus:
    """The row of a product that is there."""
    row = telling.row_of(finding, notes)
    entry = center.entry(finding.product.id)
    doubled: list[Problem] = []
    realtime, current = center.says(entry, row.running, doubled)
    told = told_by(machine, finding, realtime) or Told()
    if any(note.code == defender.CONTRADICTED for note in told.notes):
        realtime = None
    elif told.realtime is not None:
        realtime = told.realtime
    changed = {name: getattr(row, name) or getattr(told, name) for name in COLUMNS}
    row = replace(
        row,
        registered=center.registered(finding.product.id),
        realtime=realtime,
        signatures_current=told.signatures_current if current is None else current,
        basis=" ".join([row.basis or "", *told.basis]),
        **changed,
    )
    noted = [note for note in (*doubled, *told.notes) if note.column and getattr(row, note.column) is None]
    notes += noted
    explained = {note.column for note in noted}
    if row.realtime is None and entry is not None:  # why stands with the state of the centre, or here
        explained.add("realtime")
        if center.live and finding.doubt is not None:
            notes.append(replace(finding.doubt, column="realtime"))
    for column in telling.TOLD_BY_ITSELF:
        if getattr(row, column) is None and column not in explained:
            notes.append(Problem("unsupported", "product_not_asked", row.id or "", column))
    return row


def listed(finding: WindowsFinding, center: Center, notes: list[Problem]) -> Antivirus:
    """The row of a product that only the list of programs names. An entry there may be another product of the maker's,
    or what is left of one: it has no type, so that no rule takes it for protection."""
    detail = " ".join(finding.presence)[:200]
    for column in ("type", "running", "realtime"):
        notes.append(Problem("unsupported", "only_listed", detail, column))
    row = replace(telling.row_of(finding, []), type=None, running=None)
    return replace(row, registered=center.registered(finding.product.id))


def is_there(machine: Machine, finding: WindowsFinding, notes: list[Problem]) -> bool:
    """Whether the product is in use at all: of Defender for Endpoint every Windows 10 and 11 has the service."""
    if finding.product.id != SENSE or finding.running:
        return True
    try:
        return defender.onboarded(machine)
    except CannotRead as error:
        notes.append(error.problem())
        return False


def _only_listed(finding: WindowsFinding, center: Center) -> bool:
    entry = center.entry(finding.product.id)
    return finding.listed and (entry is None or entry.unnamed)


def collect(machine: Machine) -> Table:
    """One row a product, however many traces it left, and one for every registered product nobody knows."""
    look = windows.look(machine)
    known = catalogue.products()
    notes: list[Problem] = []
    center = security.read(machine, look, known, notes)
    findings, unseen = look.search(known, center.shown(look))
    notes += unseen
    center = center.adopted(findings, look)
    rows = [
        listed(finding, center, notes) if _only_listed(finding, center) else row_of(machine, finding, center, notes)
        for finding in findings
        if is_there(machine, finding, notes)
    ]
    rows += center.unknown(look, notes)
    rows += center.unproven([finding.product.id for finding in findings], notes)
    rows += center.remnants([finding.product.id for finding in findings], notes)
    notes += center.doubts(machine, rows)
    return Table(rows=tuple(rows), notes=tuple(notes))
