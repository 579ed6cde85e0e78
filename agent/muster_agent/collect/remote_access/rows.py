"""The rows of the table, which are the same on every system."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable

from muster_agent.catalogue import Catalogue
from muster_agent.evidence import Finding, unproven
from muster_agent.facts import Problem, RemoteAccess, Table
from muster_agent.machine import Process


def table(
    catalogue: Catalogue, system: str, findings: Iterable[Finding], notes: list[Problem], processes: Iterable[Process]
) -> Table:
    """One row a program that is there. A copy that was never installed runs all the same: where one bears the name of
    such a program, the table says that it may not be whole."""
    found = list(findings)
    rows = []
    for finding in found:
        if finding.doubt is not None:
            notes.append(replace(finding.doubt, column="running"))
        product = finding.product
        rows.append(
            RemoteAccess(product.id, product.name, product.vendor, finding.running, finding.version, finding.basis)
        )
    notes += unproven(catalogue, system, found, processes)
    return Table(rows=tuple(rows), notes=tuple(notes))
