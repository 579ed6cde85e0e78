"""The body of a report: unpacked within a limit, in canonical form, of the contract's types, or refused.

Canonical form alone rules out duplicate keys, odd numbers and encodings, and lone surrogates (security.md B10-B19):
the body must be, byte for byte, what canonical.canonical would write.
"""

from __future__ import annotations

import zlib
from typing import Annotated, Any, Literal

import msgspec

from muster_agent.canonical import canonical, digest
from muster_agent.facts import TABLES
from muster_agent.limits import INTEGER_LIMIT, ROW_LIMIT, TEXT_LIMIT
from muster_agent.sending.report import SCHEMA
from muster_server.receive.refusal import Refusal

UNPACKED_LIMIT = 8 * 1024 * 1024  # bytes; a PC with 5,000 packages sends about one million

Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_]{0,63}\Z")]
Value = str | int | bool


class ProblemEntry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """facts.Problem as it travels."""

    status: Literal["error", "denied", "unsupported", "stale"]
    code: Name
    detail: str = ""
    column: Name | None = None


class TableEntry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What became of one table: facts.Table without its rows."""

    status: Literal["ok", "error", "denied", "unsupported", "stale"]
    digest: Digest | None = None
    problem: ProblemEntry | None = None
    notes: list[ProblemEntry] = []


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """What became of every table."""

    tables: Annotated[dict[Name, TableEntry], msgspec.Meta(max_length=200)]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """A whole report."""

    agent_version: Annotated[str, msgspec.Meta(max_length=40)]
    bodies: Annotated[dict[Digest, list[dict[Name, Value]]], msgspec.Meta(max_length=200)]
    manifest: Manifest
    schema: Literal[1]


assert SCHEMA == 1


def unpack(packed: bytes, limit: int = UNPACKED_LIMIT) -> bytes:
    """Undo gzip. Raises :class:`Refusal` for what is damaged, has something after it, or is larger than ``limit``."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(packed, limit + 1)
    except zlib.error:
        raise Refusal(400, "bad_gzip", "the body is not one whole gzip stream") from None
    if len(plain) > limit:
        raise Refusal(413, "too_large", f"the unpacked body is larger than {limit} bytes")
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise Refusal(400, "bad_gzip", "the body is not one whole gzip stream")
    return plain


def decode(plain: bytes) -> Body:
    """Read and check a body. Raises :class:`Refusal` naming the place."""
    try:
        generic = msgspec.json.decode(plain)
        exact = canonical(generic) == plain
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        raise Refusal(400, "bad_json", "the body is not JSON") from None
    if not exact:
        raise Refusal(400, "not_canonical", "the body is not in canonical form")
    try:
        body = msgspec.convert(generic, Body, strict=True)
    except msgspec.ValidationError as error:
        raise Refusal(422, "bad_report", str(error)[:300]) from None
    _check_tables(body)
    return body


def _check_tables(body: Body) -> None:
    named: dict[str, list[str]] = {}
    for name, entry in body.manifest.tables.items():
        if (entry.status == "ok") is not (entry.problem is None) or (entry.status == "ok" and entry.digest is None):
            raise Refusal(422, "bad_report", f"status, problem and digest of {name} do not agree")
        if entry.digest is not None:
            named.setdefault(entry.digest, []).append(name)
    for digested, rows in body.bodies.items():
        if digested not in named:
            raise Refusal(422, "bad_report", f"rows of a table the manifest does not name: {digested[:12]}")
        if len(rows) > ROW_LIMIT:
            raise Refusal(422, "bad_report", f"more than {ROW_LIMIT} rows in {named[digested][0]}")
        if digest(canonical(rows)) != digested:
            raise Refusal(422, "bad_report", f"the rows of {named[digested][0]} are not those of their digest")
        for name in named[digested]:
            _check_rows(name, rows)


def _check_rows(name: str, rows: list[dict[str, Any]]) -> None:
    for number, row in enumerate(rows):
        for column, value in row.items():
            where = f"{name}[{number}].{column}"
            if isinstance(value, str) and (len(value) > TEXT_LIMIT or "\0" in value):
                raise Refusal(422, "bad_report", f"text too long or with a NUL in {where}")
            if isinstance(value, int) and abs(value) >= INTEGER_LIMIT:
                raise Refusal(422, "bad_report", f"number too large in {where}")
    if name in TABLES:
        row_type: Any = TABLES[name]
        try:
            msgspec.convert(rows, list[row_type], strict=True)
        except msgspec.ValidationError as error:
            raise Refusal(422, "bad_report", f"{name}: {error}"[:300]) from None


def own_name(body: Body) -> str | None:
    """What the PC calls itself, when this report carries it."""
    entry = body.manifest.tables.get("system_info")
    rows = body.bodies.get(entry.digest, []) if entry and entry.digest else []
    name = rows[0].get("hostname") if rows else None
    return name[:255] if isinstance(name, str) and name else None
