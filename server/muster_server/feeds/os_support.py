"""The derived table ``os_support``: until when the PC's operating system gets security updates.

Facts come from ``os_version``, dates from end-of-support.yaml (beside the policies; an office may keep its own). What
no vendor has published stays unknown: the table then holds a problem with the reason, never an empty list of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from muster_agent.columns import MOMENT, TEXT, column
from muster_agent.facts import Problem, Table, Tables
from muster_server.document import moments
from muster_server.document.mistakes import Place, PolicyError, nearest
from muster_server.document.nodes import Fields, Node, Scalar, compose, open_source
from muster_server.document.reading import Reader
from muster_server.resources import bundled

FILE = "end-of-support.yaml"
TABLE = "os_support"


@dataclass(frozen=True)
class OsSupport:
    """How long the operating system gets security updates (one row). Derived on the server."""

    product: str | None = column(TEXT, "The system, e.g. Debian.")
    cycle: str | None = column(TEXT, "Its release, as the vendor counts support, e.g. 12, or 11 24H2 (Home, Pro).")
    support_ends: str | None = column(MOMENT, "Last day of the vendor's regular security updates, for everyone.")
    extended_ends: str | None = column(
        MOMENT, "Last day of the extended security updates that follow; null where there are none."
    )
    extended_terms: str | None = column(
        TEXT,
        "What the extended updates take: free comes by itself, paid needs a contract that no PC can show.",
        ("free", "paid"),
    )
    basis: str | None = column(TEXT, "Where the dates were taken from, and as of when.")


@dataclass(frozen=True)
class Cycle:
    """One release. Dates are days, ``2026-07-11``."""

    label: str
    support_ends: str | None  # None: still supported as of the file, and the vendor says no day in advance
    extended_ends: str | None


@dataclass(frozen=True)
class Product:
    """A system and its releases. ``match`` maps columns of os_version to patterns that must all fit."""

    id: str
    title: str
    match: dict[str, str]
    cycle: tuple[str, ...]  # the columns that name a release, joined by a dot; "edition" adds /<group>
    editions: dict[str, tuple[str, ...]]  # group -> patterns of editions
    terms: str | None  # free or paid: what extended updates take
    source: str
    cycles: dict[str, Cycle] = field(default_factory=dict)  # none: the vendor has published no dates


@dataclass(frozen=True)
class EndOfSupport:
    """The whole data file."""

    as_of: str
    products: tuple[Product, ...]

    def derive(self, tables: Tables) -> Tables:
        """``tables`` with ``os_support`` added."""
        return {**tables, TABLE: self.table(tables.get("os_version"))}

    def table(self, os_version: Table | None) -> Table:
        """The table for one PC's ``os_version``."""
        if os_version is None:
            return Table(problem=Problem("unsupported", "os_version_missing"))
        if os_version.problem is not None:
            return Table(problem=os_version.problem)
        if not os_version.rows:
            return Table(problem=Problem("unsupported", "os_version_missing"))
        row = os_version.rows[0]
        if row.platform is None:
            return Table(problem=Problem("unsupported", "os_version_missing", "platform"))
        found = [product for product in self.products if _fits(product, row)]
        said = " ".join(str(part) for part in (row.name or row.platform, row.version, row.edition) if part)[:200]
        if not found:
            return Table(problem=Problem("unsupported", "support_unknown_product", said))
        product = found[0]
        if not product.cycles:
            return Table(problem=Problem("unsupported", "support_not_published", said))
        cycle = product.cycles.get(_cycle(product, row) or "")
        if cycle is None:
            return Table(problem=Problem("unsupported", "support_unknown_cycle", said))
        if cycle.support_ends is None:
            return Table(problem=Problem("unsupported", "support_not_published", said))
        return Table(
            rows=(
                OsSupport(
                    product=product.title,
                    cycle=cycle.label,
                    support_ends=cycle.support_ends,
                    extended_ends=cycle.extended_ends,
                    extended_terms=product.terms if cycle.extended_ends else None,
                    basis=f"{product.source} ({self.as_of})",
                ),
            )
        )


def _fits(product: Product, row: Any) -> bool:
    """Every pattern of the product fits; a column that was not read fits none."""
    for name, pattern in product.match.items():
        value = getattr(row, name)
        if value is None or not fnmatchcase(str(value)[:200].casefold(), pattern.casefold()):
            return False
    return True


def _cycle(product: Product, row: Any) -> str | None:
    """The key of the row's release among the product's cycles, or None when a column it takes was not read."""
    parts, group = [], ""
    for name in product.cycle:
        value = getattr(row, name)
        if value is None:
            return None
        text = str(value)[:200]
        if name == "edition":
            groups = [
                key
                for key, patterns in product.editions.items()
                if any(fnmatchcase(text.casefold(), pattern.casefold()) for pattern in patterns)
            ]
            if not groups:
                return None
            group = "/" + groups[0]
        elif name == "minor":
            parts.append(f"{value:02d}")  # Ubuntu writes 22.04
        else:
            parts.append(text.partition(".")[0] if name == "build" else text)
    return ".".join(parts) + group


# -- the data file ---------------------------------------------------------------------------------------------------

_COLUMNS = ("name", "version", "major", "minor", "build", "platform", "codename", "edition")
_KEYS = ("title", "match", "cycle", "editions", "extended", "source", "cycles")
_CYCLE_KEYS = ("label", "support_ends", "extended_ends", "ends")


def load(path: Path | None = None) -> EndOfSupport:
    """Read a data file, the bundled one by default. Raises ``PolicyError`` with every mistake in it."""
    source = open_source(path or bundled("policies") / FILE)
    loaded = _Loader(source).load(compose(source))
    if source.wrong or loaded is None:
        raise PolicyError(source.mistakes)
    return loaded


class _Loader(Reader):
    """Checks the nodes of the file and keeps what they say."""

    def load(self, root: Node | None) -> EndOfSupport | None:
        if root is None:
            if not self.source.wrong:
                self.source.mistake(Place(1, 1), "empty_file")
            return None
        top = self.fields(root, ("as_of", "products"))
        if top is None:
            return None
        as_of = self.day(top, "as_of", root)
        products = self.entries(top, "products", None)
        if not products:
            self.source.mistake(top.get("products") or root, "missing_key", name="products")
        return EndOfSupport(as_of or "", tuple(self.product(key, node) for key, (_, node) in products.items()))

    def product(self, key: str, node: Node) -> Product:
        fields = self.fields(node, _KEYS) or Fields(node.place, broken=True)
        match = self.entries(fields, "match", _COLUMNS)
        if not match:
            self.source.mistake(fields, "missing_key", name="match")
        terms = self.named(fields, "extended", node, needed=False)
        if terms is not None and terms not in ("free", "paid"):
            self.source.mistake(fields.get("extended") or node, "not_a_choice", value=terms, choices="free, paid")
        columns = self.texts(fields.get("cycle"))
        for at, name in columns:
            if name not in _COLUMNS:
                self.source.mistake(at, "unknown_column", nearest(name, _COLUMNS), column=name, table="os_version")
        editions, cycles = self.entries(fields, "editions", None), self.entries(fields, "cycles", None)
        return Product(
            id=key,
            title=self.named(fields, "title", fields) or key,
            match={name: self.text(value) or "" for name, (_, value) in match.items()},
            cycle=tuple(name for _, name in columns),
            editions={name: tuple(text for _, text in self.texts(value)) for name, (_, value) in editions.items()},
            terms=terms,
            source=self.named(fields, "source", fields) or "",
            cycles={name: self.cycle(name, value, terms) for name, (_, value) in cycles.items()},
        )

    def cycle(self, key: str, node: Node, terms: str | None) -> Cycle:
        fields = self.fields(node, _CYCLE_KEYS) or Fields(node.place, broken=True)
        extended = self.day(fields, "extended_ends", fields, needed=False)
        if extended is not None and terms is None:
            self.source.mistake(fields.get("extended_ends") or node, "missing_key", name="extended")
        label = self.named(fields, "label", fields, needed=False)
        open_end = self.named(fields, "ends", fields, needed=False)
        if open_end is not None and open_end != "not published":
            self.source.mistake(fields.get("ends") or node, "not_a_choice", value=open_end, choices="not published")
        return Cycle(label or key, self.day(fields, "support_ends", fields, needed=open_end is None), extended)

    def entries(self, fields: Fields, key: str, known: tuple[str, ...] | None) -> dict[str, tuple[Scalar, Node]]:
        """The map under ``key``; empty when it is not there."""
        found = self.fields(fields.get(key), known)
        return found.entries if found is not None else {}

    def day(self, fields: Fields, key: str, at: Node, needed: bool = True) -> str | None:
        text = self.named(fields, key, at, needed)
        if text is not None and (moments.moment(text) is None or len(text) != len("2026-11-23")):
            self.source.mistake(fields.get(key) or at, "needs_day", value=text)
        return text
