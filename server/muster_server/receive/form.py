"""The form of a report's body: its types, and what is known of one that has passed every check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from muster_agent.sending.report import SCHEMA
from muster_server.receive.refusal import Refusal

NAME_LIMIT = 255  # characters of a PC's name

Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_]{0,63}\Z")]
Version = Annotated[str, msgspec.Meta(max_length=40)]


# Fields stand in the order of their names: so they are written in canonical order.
class ProblemEntry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """facts.Problem as it travels."""

    code: Name
    column: Name | None = None
    detail: str = ""
    status: Literal["error", "denied", "unsupported", "stale"]


class TableEntry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What became of one table: facts.Table without its rows."""

    digest: Digest | None = None
    notes: list[ProblemEntry] = []
    problem: ProblemEntry | None = None
    status: Literal["ok", "error", "denied", "unsupported", "stale"]


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """What became of every table."""

    tables: Annotated[dict[Name, TableEntry], msgspec.Meta(max_length=200)]


assert SCHEMA == 1


@dataclass(frozen=True)
class Body:
    """A whole report that has passed every check."""

    agent_version: str
    manifest: Manifest
    described: bytes  # the manifest as it is kept: canonical, without what says nothing
    bodies: Mapping[str, bytes]  # canonical rows of the tables it carries, by digest
    name: str | None  # what the PC calls itself, when it says

    @property
    def digests(self) -> frozenset[str]:
        """The tables it names."""
        return frozenset(entry.digest for entry in self.manifest.tables.values() if entry.digest)


def tables_named(manifest: Manifest) -> dict[str, list[str]]:
    """The tables of each digest. Raises :class:`Refusal` when the entry of a table contradicts itself."""
    named: dict[str, list[str]] = {}
    for name, entry in manifest.tables.items():
        if (entry.status == "ok") is not (entry.problem is None) or (entry.status == "ok" and entry.digest is None):
            raise Refusal(422, "bad_report", f"status, problem and digest of {name} do not agree")
        if entry.digest is not None:
            named.setdefault(entry.digest, []).append(name)
    return named
