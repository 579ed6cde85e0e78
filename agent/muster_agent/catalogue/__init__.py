"""The products the agent can recognise: data and not code (docs/products.md).

``products.json`` holds protection products, ``remote_access.json`` programs that steer a PC from elsewhere, both by
``schema.json``. A product is recognised by what only it has: its packages, folders and files, services, its name in
the list of programs. A process name alone never counts, because any program may bear it; it only says whether a
product that is there also runs.
"""

from __future__ import annotations

import json
import pkgutil
import re
from typing import Any, Pattern, Tuple

from muster_agent.columns import column_docs
from muster_agent.dataclass import dataclass
from muster_agent.facts import Antivirus

REMOTE = "remote"  # the type of everything in remote_access.json
TYPES = (*next(choices for name, _, _, choices in column_docs(Antivirus) if name == "type"), REMOTE)
CONFIDENCES = ("high", "medium", "low")

Values = Tuple[str, ...]


@dataclass(frozen=True)
class LinuxEvidence:
    """What a product leaves on a Linux PC."""

    packages: Values = ()
    paths: Values = ()  # its own folders and files
    processes: Values = ()  # those that run while it is at work
    services: Values = ()  # unit or init script, without .service


@dataclass(frozen=True)
class WindowsEvidence:
    """What a product leaves on a Windows PC. A name that ends in ``*`` stands for all that begin so."""

    display_names: Values = ()  # what the security centre and the list of programs call it
    publishers: Values = ()  # the publisher of such a program holds one of these; empty: any
    services: Values = ()
    drivers: Values = ()  # the driver's file bears the same name
    processes: Values = ()  # its programs that run while it protects
    companions: Values = ()  # its other programs: screens, trays, updaters. They never show that it protects.
    paths: Values = ()  # its own folders and files, after %ProgramFiles% and the like


@dataclass(frozen=True)
class DarwinEvidence:
    """What a product leaves on a Mac."""

    apps: Values = ()  # bundles in /Applications
    paths: Values = ()  # its own folders and files
    extensions: Values = ()  # bundle identifiers of system extensions
    launchd: Values = ()  # labels of its launch daemons
    folders: Values = ()  # its programs lie here too, and what stays when it is removed
    processes: Values = ()  # those that run while it is at work


SYSTEMS: dict[str, Any] = {"linux": LinuxEvidence, "windows": WindowsEvidence, "darwin": DarwinEvidence}
# What each piece of evidence must look like: a typing mistake would make a product invisible.
_WINDOWS_PROGRAM = r"[A-Za-z0-9][A-Za-z0-9 ._-]*\.(exe|EXE)"
_LABEL = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){1,}"
PATTERNS: dict[str, dict[str, str]] = {
    "linux": {
        "packages": r"[A-Za-z0-9][A-Za-z0-9+._-]+",
        "paths": r"(/[A-Za-z0-9+._-]+){2,}",
        "processes": r"[A-Za-z0-9._-]+",
        "services": r"[A-Za-z0-9._@-]+",
    },
    "windows": {
        "display_names": r"[^*\s][^*]{1,}\*?",
        "publishers": r"[^*\s][^*]{1,}",
        "services": r"[A-Za-z0-9][A-Za-z0-9 !._-]{1,}\*?",
        "drivers": r"[A-Za-z0-9_]{3,}",
        "processes": _WINDOWS_PROGRAM,
        "companions": _WINDOWS_PROGRAM,
        "paths": r'%(ProgramFiles|ProgramData|SystemRoot|SystemDrive)%(\\[^\\/:*?"<>|%]+){1,}',
    },
    "darwin": {
        "apps": r"[^/]+\.app",
        "paths": r"(/[^/*]+){2,}",
        "extensions": _LABEL,
        "launchd": _LABEL,
        "folders": r"(/[^/*]+){2,}",
        "processes": r"[A-Za-z0-9][A-Za-z0-9 ._-]*",
    },
}
_COMPILED: dict[str, dict[str, Pattern[str]]] = {
    system: {kind: re.compile(pattern) for kind, pattern in kinds.items()} for system, kinds in PATTERNS.items()
}
PROVES_PRESENCE = {
    "linux": ("packages", "paths", "services"),
    "windows": ("display_names", "services", "drivers", "paths"),
    "darwin": ("apps", "paths", "extensions", "launchd"),
}
_TEXTS = ("id", "name", "vendor")
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
REQUIRED = {*_TEXTS, "type", "confidence"}
OPTIONAL = {"variant_of", *SYSTEMS}
_HEAD = {"$schema", "generic", "not_names", "products"}


@dataclass(frozen=True)
class Product:
    """One product. Of several things it is, ``type`` is av before edr before the first named."""

    id: str
    name: str
    vendor: str
    type: str
    confidence: str  # how sure the evidence is: seen by two sources or the maker, by one, or not published
    variant_of: str | None = None  # the product whose programs this one is made of: only one of both is there
    linux: LinuxEvidence | None = None
    windows: WindowsEvidence | None = None
    darwin: DarwinEvidence | None = None


@dataclass(frozen=True)
class Catalogue:
    """The products of one file."""

    products: tuple[Product, ...]
    generic: frozenset[str]  # names of programs that others bear too, in lower case: they count in its folder only
    not_names: Values = ()  # a display name that goes on with one of these is another product: a VPN, a console

    def on(self, system: str) -> tuple[Product, ...]:
        """Those known on linux, windows or darwin."""
        return tuple(product for product in self.products if getattr(product, system) is not None)


def _refuse(entry: Any, reason: str) -> ValueError:
    name = entry.get("id") if isinstance(entry, dict) else None
    return ValueError(f"{name or repr(entry)[:80]}: {reason}")


def _evidence(entry: dict[str, Any], system: str) -> Any:
    found, patterns = entry[system], _COMPILED[system]
    if not isinstance(found, dict) or not set(found) <= set(patterns):
        raise _refuse(entry, f"the evidence on {system} is of {sorted(patterns)}")
    for kind, values in found.items():
        if not isinstance(values, list) or not values or len(set(map(str, values))) != len(values):
            raise _refuse(entry, f"{system}, {kind}: a list, each value once")
        wrong = [value for value in values if not isinstance(value, str) or not patterns[kind].fullmatch(value)]
        if wrong:
            raise _refuse(entry, f"{system}, {kind}: {wrong}")
    if not any(found.get(kind) for kind in PROVES_PRESENCE[system]):
        raise _refuse(entry, f"nothing on {system} proves that it is installed; a process name does not")
    return SYSTEMS[system](**{kind: tuple(values) for kind, values in found.items()})


def _product(entry: Any) -> Product:
    if not isinstance(entry, dict) or REQUIRED - set(entry) or set(entry) - REQUIRED - OPTIONAL:
        raise _refuse(entry, f"a product has {sorted(REQUIRED)} and may have {sorted(OPTIONAL)}")
    if not all(isinstance(entry[key], str) and entry[key] for key in _TEXTS) or not _ID.fullmatch(entry["id"]):
        raise _refuse(entry, "id, name and vendor are texts, the id in small letters")
    if entry["type"] not in TYPES or entry["confidence"] not in CONFIDENCES:
        raise _refuse(entry, f"type is one of {TYPES} and confidence one of {CONFIDENCES}")
    systems = {system: _evidence(entry, system) for system in SYSTEMS if system in entry}
    if not systems:
        raise _refuse(entry, f"it is known on one of {sorted(SYSTEMS)}")
    return Product(**{key: entry[key] for key in REQUIRED}, variant_of=entry.get("variant_of"), **systems)


def parse(data: bytes) -> Catalogue:
    """The catalogue in the bytes of a file. Raises ``ValueError`` for anything it does not understand."""
    said = json.loads(data.decode("utf-8"))
    if not isinstance(said, dict) or not set(said) <= _HEAD or "products" not in said:
        raise ValueError("a catalogue holds products and generic names")
    products = tuple(_product(entry) for entry in said["products"])
    ids = [product.id for product in products]
    if ids != sorted(set(ids)):
        raise ValueError("products stand in the order of their ids, each once")
    for product in products:
        if product.variant_of is not None and (product.variant_of not in ids or product.variant_of == product.id):
            raise ValueError(f"{product.id}: there is no other product {product.variant_of}")
    generic = said.get("generic", [])
    if not isinstance(generic, list) or any(not isinstance(name, str) or name != name.lower() for name in generic):
        raise ValueError("generic names are texts in small letters")
    words = said.get("not_names", [])
    if not isinstance(words, list) or any(not isinstance(word, str) or not word.strip() for word in words):
        raise ValueError("not_names are texts")
    if len(set(words)) != len(words):
        raise ValueError("not_names stand once each")
    return Catalogue(products, frozenset(generic), tuple(words))


def _load(name: str) -> Catalogue:
    data = pkgutil.get_data(__name__, name)
    if data is None:
        raise FileNotFoundError(f"muster_agent/catalogue/{name} is missing from this installation")
    return parse(data)


def products() -> Catalogue:
    """The protection products this installation knows."""
    return _load("products.json")


def remote_access() -> Catalogue:
    """The remote-control programs this installation knows."""
    return _load("remote_access.json")
