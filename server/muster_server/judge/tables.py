"""The tables that a policy may name: what a PC reports, and what the server derives from that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from muster_agent.columns import column_docs
from muster_agent.facts import TABLES
from muster_server.feeds.os_support import OsSupport

DERIVED: dict[str, type[Any]] = {"os_support": OsSupport}
ALL: dict[str, type[Any]] = {**TABLES, **DERIVED}


@dataclass(frozen=True)
class Column:
    """A column as the policy loader sees it."""

    name: str
    kind: str
    choices: tuple[str, ...]


@cache
def columns(table: str) -> dict[str, Column]:
    """The columns of ``table`` by name. Raises ``KeyError`` for a table nobody declared."""
    return {name: Column(name, kind, choices) for name, kind, _, choices in column_docs(ALL[table])}
