"""What zypper says there is to update: packages, and the patches by which SUSE names what they mend.

zypper is asked for XML (``zypper --xmlout list-updates -t package -t patch``). Its tables for people say the same in
columns that have changed over the years, so they are read by their headings.
"""

from __future__ import annotations

import re
from typing import Iterator

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead
from muster_agent.system.rpm import nevra

STATUS_OF_A_PATCH = frozenset({"needed"})
NOTHING = re.compile(r"^No (?:updates|patches|needed patches) found\.|^0 patches needed", re.MULTILINE)
RULE = re.compile(r"-+(?:\+-+)+")
# The word of a column, in the tables of zypper 1.0 to 1.14.
COLUMNS = {
    "s": "mark",
    "repository": "repository",
    "catalog": "repository",
    "name": "name",
    "current version": "installed",
    "available version": "available",
    "version": "available",
    "arch": "arch",
    "category": "category",
    "severity": "severity",
    "status": "status",
    "interactive": "interactive",
    "since": "since",
    "summary": "summary",
}


@dataclass(frozen=True)
class Row:
    """One pending update of either kind."""

    kind: str  # package or patch
    name: str
    arch: str
    installed: str  # of a package
    available: str
    repository: str  # its alias in XML, its name in a table
    category: str  # of a patch: security, recommended, optional, feature
    severity: str  # of a patch: critical, important, moderate, low


def of_xml(data: bytes) -> list[Row]:
    """The rows of zypper's XML. Raises ``not_understood`` when it is none, or cut short."""
    from xml.etree import ElementTree  # only PCs with zypper need it

    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # zypper writes none, and they could grow without end
        raise CannotRead("not_understood", "zypper: DOCTYPE")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  # without a DOCTYPE there is nothing to expand
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise CannotRead("not_understood", f"zypper: {error}"[:120]) from error
    if root.tag != "stream" or root.find("update-status") is None:
        raise CannotRead("not_understood", f"zypper: <{root.tag[:40]}>")
    found = []
    for update in root.iter("update"):
        said = {name: value.strip() for name, value in update.attrib.items()}
        source = update.find("source")
        row = Row(
            kind=said.get("kind", "package"),
            name=said.get("name", ""),
            arch=said.get("arch", ""),
            installed=said.get("edition-old", ""),
            available=said.get("edition", ""),
            repository=(source.attrib.get("alias", "") if source is not None else ""),
            category=said.get("category", ""),
            severity=said.get("severity", ""),
        )
        if row.kind == "patch" and said.get("status", "needed") not in STATUS_OF_A_PATCH:
            continue
        found.append(_checked(row))
    return found


def _checked(row: Row) -> Row:
    if nevra.NAME.fullmatch(row.name.replace(":", "")) is None or (
        row.kind == "package" and nevra.normal(row.available) is None
    ):
        raise CannotRead("not_understood", f"zypper: {row.name[:60]} {row.available[:40]}")
    return row


def _tables(text: str) -> Iterator[dict[str, str]]:
    """The rows of every table in ``text``, by the meaning of their column."""
    lines = text.split("\n")
    heads: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""]):
        if "|" in line and RULE.fullmatch(following.strip()):
            words = [cell.strip().lower() for cell in line.split("|")]
            heads = [COLUMNS.get(word, word) for word in words]
        elif heads and "|" in line:
            cells = [cell.strip() for cell in line.split("|", len(heads) - 1)]
            if len(cells) != len(heads):
                raise CannotRead("not_understood", f"zypper: {line[:100]}")
            yield dict(zip(heads, cells))


def _of_cells(said: dict[str, str]) -> Row | None:
    repository = said.get("repository", "")
    if "category" in said and "name" in said:
        if said.get("status", "needed").lower() not in STATUS_OF_A_PATCH:
            return None
        return Row("patch", said["name"], "", "", "", repository, said["category"], said.get("severity", ""))
    if {"name", "installed", "available", "arch"} <= set(said):
        return Row("package", said["name"], said["arch"], said["installed"], said["available"], repository, "", "")
    raise CannotRead("not_understood", f"zypper: {' | '.join(said)}"[:120])


def of_table(text: str) -> list[Row]:
    """The rows of the tables of ``list-updates`` and ``list-patches``.

    Raises ``not_understood`` where a row is cut short, and where there is neither a table nor zypper's word that
    nothing was found.
    """
    said = list(_tables(text))
    if not said and NOTHING.search(text) is None:
        raise CannotRead("not_understood", f"zypper: {text[:60]}")
    return [_checked(row) for row in map(_of_cells, said) if row is not None]


def parse(data: bytes) -> list[Row]:
    """The pending updates in what zypper printed. Raises ``not_understood``."""
    if data.lstrip().startswith(b"<"):
        return of_xml(data)
    return of_table(data.decode("utf-8", "replace"))
