"""The thorough reader of bodies: value by value, and it says where something is wrong."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from muster_agent.canonical import canonical, digest
from muster_agent.facts import TABLES
from muster_agent.limits import INTEGER_LIMIT, ROW_LIMIT, TEXT_LIMIT
from muster_server.receive.form import NAME_LIMIT, Body, Digest, Manifest, Name, Version, tables_named
from muster_server.receive.refusal import Refusal

Value = str | int | bool


class _Whole(msgspec.Struct, forbid_unknown_fields=True):
    agent_version: Version
    bodies: Annotated[dict[Digest, list[dict[Name, Value]]], msgspec.Meta(max_length=200)]
    manifest: Manifest
    schema: Literal[1]


def read(plain: bytes) -> Body:
    """Read and check a body value by value. Raises :class:`Refusal` naming the place."""
    try:
        generic = msgspec.json.decode(plain)
        exact = canonical(generic) == plain
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        raise Refusal(400, "bad_json", "the body is not JSON") from None
    if not exact:
        raise Refusal(400, "not_canonical", "the body is not in canonical form")
    try:
        whole = msgspec.convert(generic, _Whole, strict=True)
    except msgspec.ValidationError as error:
        raise Refusal(422, "bad_report", str(error)[:300]) from None
    named = tables_named(whole.manifest)
    bodies = {}
    for digested, rows in whole.bodies.items():
        if digested not in named:
            raise Refusal(422, "bad_report", f"rows of a table the manifest does not name: {digested[:12]}")
        if len(rows) > ROW_LIMIT:
            raise Refusal(422, "bad_report", f"more than {ROW_LIMIT} rows in {named[digested][0]}")
        bodies[digested] = canonical(rows)
        if digest(bodies[digested]) != digested:
            raise Refusal(422, "bad_report", f"the rows of {named[digested][0]} are not those of their digest")
        for name in named[digested]:
            _check_rows(name, rows)
    described = canonical(msgspec.to_builtins(whole.manifest))
    return Body(whole.agent_version, whole.manifest, described, bodies, _own_name(whole))


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


def _own_name(whole: _Whole) -> str | None:
    entry = whole.manifest.tables.get("system_info")
    rows = whole.bodies.get(entry.digest, []) if entry and entry.digest else []
    name = rows[0].get("hostname") if rows else None
    return name[:NAME_LIMIT] if isinstance(name, str) and name else None
