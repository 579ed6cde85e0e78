"""What of a product of the catalogue is there on a PC, and what of it runs: one look a run, for every table."""

from __future__ import annotations

from typing import Iterable, Iterator

from muster_agent.catalogue import Catalogue, Product
from muster_agent.dataclass import dataclass
from muster_agent.facts import Problem
from muster_agent.machine import Process


@dataclass(frozen=True)
class Finding:
    """A product that is there."""

    product: Product
    presence: tuple[str, ...]  # what shows it, e.g. package:clamav-daemon
    activity: tuple[str, ...]  # what shows that it is at work, e.g. process:clamd
    running: bool | None
    version: str | None = None
    doubt: Problem | None = None  # why running is unknown

    @property
    def basis(self) -> str:
        """What the row of this product rests on."""
        return " ".join([*self.presence, *self.activity])


def unproven(
    catalogue: Catalogue, system: str, found: Iterable[Finding], processes: Iterable[Process]
) -> Iterator[Problem]:
    """A note for every running program that bears the name of one in the catalogue while nothing else shows the
    product: any program may bear it, so it is no row, and a table that keeps silent about it would be no whole table.
    """
    there = {finding.product.id for finding in found}
    names: dict[str, bool] = {}
    for product in catalogue.on(system):
        for name in getattr(product, system).processes:
            key = name.lower() if system == "windows" else name
            names[key] = names.get(key, False) or product.id in there
    running = {process.name.lower() if system == "windows" else process.name: process.name for process in processes}
    for name in sorted(set(running) & set(names)):
        if not names[name] and name.lower() not in catalogue.generic:
            yield Problem("error", "name_alone", running[name])
