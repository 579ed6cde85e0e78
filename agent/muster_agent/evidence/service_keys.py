r"""A product's services and drivers: keys under ``Services`` whose program is the product's own and is there.

A key of the right name alone proves nothing: another program may bear it, and some stay when the product is removed.
"""

from __future__ import annotations

from typing import Iterator

from muster_agent.catalogue import Product
from muster_agent.dataclass import dataclass
from muster_agent.evidence.names import stem
from muster_agent.evidence.windows_paths import Paths
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import registry_key
from muster_agent.system.image_path import program

KEY = r"HKLM\SYSTEM\CurrentControlSet\Services"


@dataclass(frozen=True)
class ServiceKey:
    """One of a product's services or drivers."""

    name: str
    path: str  # its program
    driver: bool
    protects: bool  # it runs while the product protects


class ServiceKeys:
    """The names of all services; the keys of those that are looked into are read."""

    def __init__(self, machine: Machine, paths: Paths, system_root: str | None, generic: frozenset[str]) -> None:
        self._machine = machine
        self._paths = paths
        self._root = system_root
        self._generic = generic
        self._names = {name.lower(): name for name in machine.registry_keys(KEY)}

    def of(self, product: Product, notes: list[Problem]) -> list[ServiceKey]:
        """Those of ``product``. A service may bear the name of its program, also where the catalogue knows none."""
        evidence = product.windows
        assert evidence is not None
        protecting = {name.lower() for name in evidence.processes}
        programs = protecting | {name.lower() for name in evidence.companions}
        found = []
        for name, named in self._candidates(product, programs):
            path = self._path(name, notes)
            file = path.rpartition("\\")[2].lower() if path else ""
            if not path or file not in programs or (file in self._generic and not named):
                continue
            there = self._paths.there(path)
            if there:
                found.append(ServiceKey(name, there, False, file in protecting))
        for driver in evidence.drivers:
            name = self._names.get(driver.lower(), "")
            path = self._path(name, notes) if name else None
            if path and path.rpartition("\\")[2].lower() == driver.lower() + ".sys" and self._paths.there(path):
                found.append(ServiceKey(name, path, True, False))
        return found

    def _candidates(self, product: Product, programs: set[str]) -> Iterator[tuple[str, bool]]:
        """(service, whether the catalogue names it), each once."""
        assert product.windows is not None
        seen: set[str] = set()
        for pattern in product.windows.services:
            wanted = pattern.lower()
            fits = [key for key in self._names if key.startswith(wanted[:-1])] if wanted.endswith("*") else [wanted]
            for key in sorted(fits):
                if key in self._names and key not in seen:
                    seen.add(key)
                    yield self._names[key], True
        for key in sorted({stem(name) for name in programs} & set(self._names) - seen):
            yield self._names[key], False

    def _path(self, name: str, notes: list[Problem]) -> str | None:
        try:
            text = registry_key.optional(self._machine, f"{KEY}\\{name}").text("ImagePath")
        except CannotRead as error:
            notes.append(error.problem())
            return None
        return program(text, self._root) if text else None
