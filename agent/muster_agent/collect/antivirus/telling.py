"""A row of the table: what the evidence shows of a product, and what the product tells of itself on top of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Sequence

from muster_agent.collect.antivirus import clamav, vendors
from muster_agent.collect.antivirus.vendors import DARWIN, LINUX
from muster_agent.evidence import Finding
from muster_agent.facts import Antivirus, Problem
from muster_agent.machine import CannotRead, Machine

__all__ = ["DARWIN", "LINUX", "row_of", "with_clamav", "with_told"]
# What only a product itself tells. A row in which it stays unknown says why.
TOLD_BY_ITSELF = ("realtime", "signatures_date")


def row_of(finding: Finding, notes: list[Problem]) -> Antivirus:
    """What the evidence alone says of a product that is there."""
    if finding.doubt is not None:
        notes.append(replace(finding.doubt, column="running"))
    product = finding.product
    return Antivirus(
        id=product.id,
        name=product.name,
        vendor=product.vendor,
        type=product.type,
        running=finding.running,
        version=finding.version,
        basis=finding.basis,
    )


def with_told(machine: Machine, row: Antivirus, modules: dict[str, str], notes: list[Problem]) -> Antivirus:
    """``row`` with what the product tells of itself, and notes on what it leaves open.

    What was seen stands against what is told: a product whose processes were all looked at and do not run checks
    nothing, whatever its settings say.
    """
    told, answers = vendors.ask(row.id or "", modules, machine)
    if told is not None:
        running = told.running if row.running is None else row.running
        realtime = told.realtime
        if realtime and running is None and any(entry.startswith("settings:") for entry in told.basis):
            realtime = None  # its settings say so, and nobody could see whether it runs
        changed: dict[str, Any] = {
            "running": running,
            "realtime": False if running is False and "realtime" in answers else realtime,
            "version": row.version or told.version,
            "signatures_version": told.signatures_version,
            "signatures_date": told.signatures_date,
            "signatures_current": told.signatures_current,
            "basis": " ".join([row.basis or "", *told.basis]),
        }
        row = replace(row, **changed)
        open_columns = {name for name in answers if getattr(row, name) is None}
        notes += [note for note in told.notes if note.column in open_columns]
    said = {note.column for note in told.notes} if told is not None else set()
    for column in TOLD_BY_ITSELF:
        if getattr(row, column) is None and column not in said:
            code = "product_does_not_tell" if told is not None else "product_not_asked"
            notes.append(Problem("unsupported", code, row.id or "", column))
    return row


def with_clamav(
    machine: Machine, row: Antivirus, finding: Finding, places: Sequence[str], notes: list[Problem]
) -> Antivirus:
    """ClamAV's version where no package tells it, and its signatures."""
    if row.version is None:
        try:
            row = replace(row, version=clamav.version(machine, finding.presence))
        except CannotRead as error:
            notes.append(error.problem("version"))
    try:
        found = clamav.signatures(machine, places)
    except CannotRead as error:
        notes += [error.problem(column) for column in ("signatures_date", "signatures_version")]
        return row
    return replace(
        row,
        signatures_version=str(found[0].version),
        signatures_date=found[0].date,
        basis=" ".join([row.basis or "", *(f"signatures:{entry.file}:{entry.version}" for entry in found)]),
    )
