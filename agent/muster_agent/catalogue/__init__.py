"""The products the agent can recognise: ``products.json``, data and not code.

A product is recognised by what only it has: its packages, its folders and files, its service units. A process name
alone never counts, because any program may bear it; it only says whether a product that is there also runs.
"""

from __future__ import annotations

import json
import pkgutil
import re
from dataclasses import dataclass
from typing import Any

from muster_agent.columns import column_docs
from muster_agent.facts import Antivirus

KEYS = {"id", "name", "vendor", "type", "linux"}
TYPES = next(choices for name, _, _, choices in column_docs(Antivirus) if name == "type")
# What each piece of evidence must look like: a typing mistake would make a product invisible.
EVIDENCE = {
    "packages": re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]+"),
    "paths": re.compile(r"(/[A-Za-z0-9+._-]+){2,}"),
    "processes": re.compile(r"[A-Za-z0-9._-]+"),
    "services": re.compile(r"[A-Za-z0-9._@-]+"),
}
PROVES_PRESENCE = ("packages", "paths", "services")


@dataclass(frozen=True)
class Evidence:
    """What a product leaves on a Linux PC."""

    packages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()  # unit or init script, without .service


@dataclass(frozen=True)
class Product:
    """One product. Of several things it is, ``type`` is av before edr before the first named."""

    id: str
    name: str
    vendor: str
    type: str
    linux: Evidence


def _product(entry: Any) -> Product:
    if not isinstance(entry, dict) or set(entry) != KEYS:
        raise ValueError(f"a product has {sorted(KEYS)}: {entry!r}"[:200])
    if not all(isinstance(entry[key], str) and entry[key] for key in KEYS - {"linux"}) or entry["type"] not in TYPES:
        raise ValueError(f"{entry['id']}: id, name and vendor are texts and type is one of {TYPES}")
    found = entry["linux"]
    if not isinstance(found, dict) or not set(found) <= set(EVIDENCE):
        raise ValueError(f"{entry['id']}: the evidence is of {sorted(EVIDENCE)}")
    for kind, values in found.items():
        wrong = [value for value in values if not EVIDENCE[kind].fullmatch(value)]
        if not values or wrong:
            raise ValueError(f"{entry['id']}: {kind} {wrong or values}")
    if not any(found.get(kind) for kind in PROVES_PRESENCE):
        raise ValueError(f"{entry['id']}: nothing here proves that it is installed; a process name does not")
    return Product(
        entry["id"],
        entry["name"],
        entry["vendor"],
        entry["type"],
        Evidence(**{kind: tuple(values) for kind, values in found.items()}),
    )


def parse(data: bytes) -> list[Product]:
    """The products in the bytes of a catalogue. Raises ``ValueError`` for anything it does not understand."""
    products = [_product(entry) for entry in json.loads(data.decode("utf-8"))]
    ids = [product.id for product in products]
    if ids != sorted(set(ids)):
        raise ValueError("products stand in the order of their ids, each once")
    return products


def load() -> list[Product]:
    """The products of this installation."""
    data = pkgutil.get_data(__name__, "products.json")
    if data is None:
        raise FileNotFoundError("muster_agent/catalogue/products.json is missing from this installation")
    return parse(data)
