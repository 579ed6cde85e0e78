"""Checks that what the views show is what was signed: each body, the manifest in it, and the tables a manifest names
are all named by their digest, so a changed byte in any of them shows."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection

from muster_agent.canonical import canonical, digest
from muster_agent.sending.envelope import Envelope, Malformed
from muster_server.evidence.findings import Findings
from muster_server.evidence.known import Known
from muster_server.evidence.signatures import Claim, Signatures
from muster_server.receive.form import Manifest
from muster_server.store import evidence

BODY = 64 * 1024 * 1024  # bytes a body or a table may have once it is unpacked; the door lets in less
GZIP = zlib.MAX_WBITS | 16


class TooLarge(ValueError):
    """More came out than anybody sends."""


def unpacked(data: bytes, kind: int = zlib.MAX_WBITS) -> bytes:
    """Compressed bytes, unpacked. Raises ``zlib.error``, or ``ValueError`` when they are too many or not whole."""
    inflating = zlib.decompressobj(kind)
    found = inflating.decompress(data, BODY)
    if not inflating.eof:
        raise TooLarge("not whole, or too large")
    return found


def manifest_of(body: bytes) -> str:
    """The digest of the manifest in a body as sent, without what says nothing: as it is kept. Raises ``ValueError`` or
    ``zlib.error`` for what is not one."""
    try:
        said = msgspec.convert(json.loads(unpacked(body, GZIP))["manifest"], Manifest)
    except (KeyError, TypeError, RecursionError, msgspec.MsgspecError):
        raise ValueError("not a report") from None
    return digest(canonical(msgspec.to_builtins(said)))


def check(connection: Connection, findings: Findings) -> None:
    """Every body, manifest and table."""
    for row in evidence.every_body(connection):
        findings.count("bodies")
        if not isinstance(row.data, bytes) or hashlib.sha256(row.data).digest() != row.digest:
            findings.add("body", number=row.number)
            continue
        try:
            if manifest_of(row.data) != row.manifest:
                findings.add("body_manifest", number=row.number)
        except (ValueError, zlib.error):
            findings.add("body_manifest", number=row.number)
    for row in evidence.every_manifest(connection):
        findings.count("manifests")
        if not isinstance(row.body, bytes) or digest(row.body) != row.digest:
            findings.add("manifest", digest=str(row.digest)[:12])
    for row in evidence.every_table(connection):
        findings.count("tables")
        try:
            sound = digest(unpacked(row.rows)) == row.digest
        except (TypeError, ValueError, zlib.error):
            sound = False
        if not sound:
            findings.add("table", digest=str(row.digest)[:12])


def check_conflicts(connection: Connection, findings: Findings, signatures: Signatures, keys: Iterable[Known]) -> None:
    """Every report that was kept without counting: it is what shows that two machines have one key."""
    by_name = {(key.agent, key.id): key for key in keys}
    for row in evidence.every_conflict(connection):
        findings.count("conflicts")
        where = {"code": "conflict", "id": row.id, "agent": row.agent}
        try:
            envelope = Envelope.parse(row.envelope)
            sound = envelope.digest == row.digest and (envelope.agent, envelope.seq) == (row.agent, row.seq)
            sound = sound and hashlib.sha256(row.body).hexdigest() == envelope.body
            key = by_name.get((envelope.agent, envelope.key))
        except (Malformed, TypeError, AttributeError):
            sound, key = False, None
        if not sound or key is None or not isinstance(row.signature, bytes):
            findings.add(**where)
        else:
            signatures.check(Claim(key.public_key, row.signature, row.envelope, where))
