"""What a column of a fact table declares: what it holds, what it means, and its closed vocabulary."""

from __future__ import annotations

from dataclasses import field, fields
from typing import Any

# What a column holds; the policy language allows a modifier by kind (judge/conditions.py).
TEXT = "text"
INTEGER = "integer"
BOOLEAN = "boolean"
MOMENT = "moment"  # "2026-11-23T06:05:00Z": RFC 3339 in UTC, or "2026-11-23" where only the day is known
VERSION = "version"  # ordered by the rules of the row's package system, never as text
ADDRESS = "address"  # an IPv4 or IPv6 address


def column(kind: str, doc: str, choices: tuple[str, ...] = ()) -> Any:
    """Declare a column: what it holds, what it means (and what null means), and its closed vocabulary if it has one."""
    return field(default=None, metadata={"kind": kind, "doc": doc, "choices": choices})


def column_docs(row_type: type[Any]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """(name, kind, description, choices) of every column of ``row_type``, in declaration order."""
    return [(f.name, f.metadata["kind"], f.metadata["doc"], f.metadata["choices"]) for f in fields(row_type)]
