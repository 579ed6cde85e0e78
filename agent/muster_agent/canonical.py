"""The one byte form of the facts: equal tables are equal bytes, and a table is named by their digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from muster_agent.facts import Tables

# json.dumps would make one for every row of every table.
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(value: Any) -> bytes:
    """The one byte form of ``value``: JSON, UTF-8, sorted keys, no blanks. Raises ``ValueError`` on NaN."""
    return _encode(value).encode("utf-8", "backslashreplace")


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal: the name of a table, a manifest or a report."""
    return hashlib.sha256(data).hexdigest()


def row_dict(row: Any) -> dict[str, Any]:
    """The columns of ``row`` that were read; null columns are left out, which keeps a table small."""
    return {name: value for name, value in vars(row).items() if value is not None}


def canonical_rows(rows: tuple[Any, ...]) -> bytes:
    """The bytes of a table: distinct rows in the order of their own bytes."""
    return b"[" + b",".join(sorted({canonical(row_dict(row)) for row in rows})) + b"]"


def manifest(tables: Tables) -> tuple[bytes, dict[str, bytes]]:
    """Describe ``tables`` by digest.

    Returns the bytes of the manifest and the table bodies it names, by digest. The manifest says for every table of
    this agent what became of it, so a table that is missing from it was never tried.
    """
    described: dict[str, Any] = {}
    bodies: dict[str, bytes] = {}
    for name, table in tables.items():
        entry: dict[str, Any] = {"status": table.status}
        if table.rows is not None:
            body = canonical_rows(table.rows)
            entry["digest"] = digest(body)
            bodies[entry["digest"]] = body
        if table.problem is not None:
            entry["problem"] = row_dict(table.problem)
        if table.notes:
            entry["notes"] = [row_dict(note) for note in table.notes]
        described[name] = entry
    return canonical({"tables": described}), bodies
