"""The quick reader of bodies: every check in C, by decoding each table into its own type and writing it back.

A body is in canonical form when writing it back gives the same bytes: of text, whole numbers, booleans and sorted
keys, which is all that a row may hold, msgspec writes what canonical.canonical writes (a test proves it). Whatever is
not exactly as expected here, be it wrong or merely newer than this server, gives None, and thorough.py decides. So
nothing is taken in here that would be refused there (a test proves that, too).
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Annotated, Any, Literal

import msgspec

from muster_agent.canonical import canonical
from muster_agent.columns import BOOLEAN, INTEGER
from muster_agent.facts import TABLES
from muster_agent.limits import INTEGER_LIMIT, ROW_LIMIT, TEXT_LIMIT
from muster_server.receive.form import NAME_LIMIT, Body, Digest, Manifest, Version, tables_named
from muster_server.receive.refusal import Refusal

_Text = Annotated[str, msgspec.Meta(max_length=TEXT_LIMIT)]
_Integer = Annotated[int, msgspec.Meta(ge=1 - INTEGER_LIMIT, le=INTEGER_LIMIT - 1)]
_TYPES: dict[str, Any] = {INTEGER: _Integer, BOOLEAN: bool}  # of a column's kind; every other is text
_NUL = b"\\u0000"  # how canonical form writes it


class _Whole(msgspec.Struct, forbid_unknown_fields=True):
    agent_version: Version
    bodies: Annotated[dict[Digest, msgspec.Raw], msgspec.Meta(max_length=200)]
    manifest: msgspec.Raw
    schema: Literal[1]


def _decoder(row_type: type[Any]) -> msgspec.json.Decoder[Any]:
    """Of the rows of a table. A column that is not there stays away when it is written back; null is refused."""
    columns = sorted((f.name, _TYPES.get(f.metadata["kind"], _Text)) for f in fields(row_type))
    struct = msgspec.defstruct(
        row_type.__name__, [(name, kind | msgspec.UnsetType, msgspec.UNSET) for name, kind in columns], gc=False
    )
    rows: Any = Annotated[list[struct], msgspec.Meta(max_length=ROW_LIMIT)]  # type: ignore[valid-type]
    return msgspec.json.Decoder(rows)


_encode = msgspec.json.Encoder(order="sorted").encode
_whole = msgspec.json.Decoder(_Whole).decode
_manifest = msgspec.json.Decoder(Manifest).decode
_rows = {name: _decoder(row_type).decode for name, row_type in TABLES.items()}


def read(plain: bytes) -> Body | None:
    """Read and check a body; None when the thorough reader has to."""
    try:
        return _read(plain)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError, Refusal):
        return None


def _read(plain: bytes) -> Body | None:
    whole = _whole(plain)
    if not _written_canonically(whole, plain) or _NUL in plain:
        return None
    said = bytes(whole.manifest)
    manifest = _manifest(said)
    described = _encode(manifest)
    # A manifest may say what goes without saying, e.g. an empty detail: that is canonical, too, and not kept.
    if described != said and canonical(msgspec.json.decode(said)) != said:
        return None
    named = tables_named(manifest)
    bodies: dict[str, bytes] = {}
    hostname: Any = None
    for digest, raw in whole.bodies.items():
        rows = bytes(raw)
        if hashlib.sha256(rows).hexdigest() != digest:
            return None
        for name in named.get(digest, ("",)):
            if name not in _rows:
                return None
            found = _rows[name](rows)
            if _encode(found) != rows:
                return None
            if name == "system_info" and found:
                hostname = found[0].hostname
        bodies[digest] = rows
    own_name = hostname[:NAME_LIMIT] if isinstance(hostname, str) and hostname else None
    return Body(whole.agent_version, manifest, described, bodies, own_name)


def _written_canonically(whole: _Whole, plain: bytes) -> bool:
    """Whether the frame around the tables is in canonical form, without writing the tables again.

    It begins and ends as it must, the digests stand in their order, and the whole is no longer than its parts: so there
    is no blank, no escape that is not needed and no key twice, for each of these takes bytes.
    """
    begin = b'{"agent_version":' + _encode(whole.agent_version) + b',"bodies":{'
    end = b'},"manifest":' + bytes(whole.manifest) + b',"schema":1}'
    names = list(whole.bodies)
    # "digest":rows and, but for the first, a comma
    parts = sum(len(bytes(raw)) for raw in whole.bodies.values()) + 67 * len(names) + max(len(names) - 1, 0)
    framed = plain.startswith(begin) and plain.endswith(end) and len(plain) == len(begin) + parts + len(end)
    return framed and names == sorted(names)
