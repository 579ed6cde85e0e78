"""Who is who in a database that is checked: its PCs with where their chains stand, and their keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from muster_agent.sending.envelope import ENROL, FIRST, ROTATE
from muster_agent.sending.keys import key_id
from muster_server.evidence.findings import Findings
from muster_server.evidence.signatures import Claim, Signatures
from muster_server.store import evidence


@dataclass
class Line:
    """One PC's chain, moved on report by report, and what the database says of its end."""

    id: str
    last_seq: Any
    last_digest: Any
    last_report: Any
    seq: int = 0  # of the report that was looked at last
    digest: str = FIRST
    seen: bool = False
    intervals: list[tuple[int, int, str]] = field(default_factory=list)
    interval: int = 0  # of intervals: the one the last report fell into


@dataclass(frozen=True)
class Known:
    """A key that reports may be signed with."""

    agent: str
    id: str
    public_key: bytes


def lines(connection: Connection, findings: Findings) -> dict[int, Line]:
    """Every PC by its number, with the intervals of its history."""
    found, by_id = {}, {}
    for row in evidence.every_agent(connection):
        line = Line(row.id, row.last_seq, row.last_digest, row.last_report)
        found[row.number] = by_id[row.id] = line
        findings.count("agents")
    for row in evidence.every_interval(connection):
        if row.agent in by_id:
            by_id[row.agent].intervals.append((row.first_seq, row.last_seq, row.manifest))
        findings.count("intervals")
    return found


def keys(connection: Connection, findings: Findings, signatures: Signatures) -> dict[int, Known]:
    """Every key by its number, each checked against what bound it to its PC."""
    rows = {row.number: row for row in evidence.every_key(connection)}
    for row in rows.values():
        findings.count("keys")
        for problem in _wrong_with(row, rows, signatures):
            findings.add("key", key=row.id, agent=row.agent, problem=problem)
    return {number: Known(row.agent, row.id, _public(row)) for number, row in rows.items()}


def _public(row: Row[Any]) -> bytes:
    try:
        return bytes.fromhex(row.public_key)
    except (TypeError, ValueError):
        return b""


def _wrong_with(row: Row[Any], rows: dict[int, Row[Any]], signatures: Signatures) -> list[str]:
    public = _public(row)
    wrong = [] if row.id == key_id(public) else ["id"]
    try:
        said = json.loads(row.request)
        named = said.get("public_key")
        token = said.get("token")
    except (TypeError, ValueError, AttributeError):
        return [*wrong, "request"]
    if named != row.public_key:
        wrong.append("public_key")
    if row.predecessor is None and token != row.token:
        wrong.append("token")
    of = {"code": "key_signature", "key": row.id, "agent": row.agent}
    if row.predecessor is None:
        signatures.check(Claim(public, row.request_signature, ENROL + row.request, of))
        return wrong
    before = rows.get(row.predecessor)
    named_so = before is not None and (said.get("agent"), said.get("predecessor")) == (row.agent, before.id)
    if before is None or before.agent != row.agent or not named_so:
        return [*wrong, "predecessor"]
    signed = ROTATE + row.request
    signatures.check(Claim(public, row.request_signature, signed, of))
    signatures.check(Claim(_public(before), row.predecessor_signature or b"", signed, of))
    return wrong
