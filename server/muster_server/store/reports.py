"""Taking in a report whose signature has been checked: the decision table of security.md §2.4.

number                    bytes              outcome
last + 1, follows last    new                ACCEPTED
beyond last + 1           new                ACCEPTED, and the gap is recorded
seen before               the same           DUPLICATE: a retry or a replay, answered with the same receipt
seen before               others             CONFLICT: two machines use one key; kept, not counted
last + 1, follows other   new                ACCEPTED, and the agent is marked: a copy of its disk has reported
below last, never seen    new                CONFLICT: it was counted as missing and may be anyone's
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, exists, insert, select, update

from muster_agent.envelope import FIRST, Envelope, Receipt, chain_head
from muster_agent.report import SignedReport
from muster_server.store.schema import agents, bodies, conflicts, intervals, manifests, moment_text, reports


class Outcome(StrEnum):
    """What became of a report."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Incoming:
    """A report as the door hands it over: signature, sizes and types are checked."""

    signed: SignedReport
    envelope: Envelope
    manifest: bytes  # canonical JSON
    manifest_digest: str
    digests: frozenset[str]  # the tables it names
    bodies: Mapping[str, bytes]  # canonical rows of the tables it carries, by digest
    name: str | None  # what the PC calls itself, when it says


@dataclass(frozen=True)
class Accepted:
    """The outcome, and what the PC is told."""

    outcome: Outcome
    receipt: Receipt | None = None  # None for a conflict
    signature: bytes = b""  # the server's, over the receipt
    missing: tuple[str, ...] = ()  # tables it named whose rows the server does not have


def accept(
    connection: Connection, incoming: Incoming, received_at: datetime, sign: Callable[[bytes], bytes]
) -> Accepted:
    """Store ``incoming`` inside the running transaction and say what it was."""
    envelope = incoming.envelope
    agent = connection.execute(select(agents).where(agents.c.id == envelope.agent)).one()
    stored = connection.execute(
        select(reports).where(reports.c.agent == envelope.agent, reports.c.seq == envelope.seq)
    ).one_or_none()
    if stored is not None and stored.digest == envelope.digest:
        receipt = Receipt(
            envelope.agent, envelope.seq, stored.digest, moment_text(stored.received_at), stored.position, stored.chain
        )
        return Accepted(Outcome.DUPLICATE, receipt, stored.receipt_signature, _missing(connection, incoming.digests))
    if envelope.seq <= agent.last_seq:
        _conflict(connection, incoming, received_at)
        return Accepted(Outcome.CONFLICT)

    _store_tables(connection, incoming)
    receipt, signature = _append(connection, incoming, received_at, envelope.seq - agent.last_seq - 1, sign)
    _extend_history(connection, incoming, received_at)
    forked = envelope.seq == agent.last_seq + 1 and envelope.previous != agent.last_digest
    connection.execute(
        update(agents)
        .where(agents.c.id == envelope.agent)
        .values(
            last_seq=envelope.seq,
            last_digest=envelope.digest,
            last_report=received_at,
            name=incoming.name or agent.name,
            conflict_at=agent.conflict_at or (received_at if forked else None),
        )
    )
    return Accepted(Outcome.ACCEPTED, receipt, signature, _missing(connection, incoming.digests))


def _conflict(connection: Connection, incoming: Incoming, received_at: datetime) -> None:
    envelope = incoming.envelope
    seen = select(conflicts.c.id).where(conflicts.c.agent == envelope.agent, conflicts.c.digest == envelope.digest)
    if connection.execute(seen).first() is None:
        connection.execute(
            insert(conflicts).values(
                agent=envelope.agent,
                seq=envelope.seq,
                digest=envelope.digest,
                received_at=received_at,
                envelope=incoming.signed.envelope,
                signature=incoming.signed.signature,
                body=incoming.signed.body,
            )
        )
    connection.execute(
        update(agents)
        .where(agents.c.id == envelope.agent, agents.c.conflict_at.is_(None))
        .values(conflict_at=received_at)
    )


def _store_tables(connection: Connection, incoming: Incoming) -> None:
    for name, rows in incoming.bodies.items():
        if not connection.scalar(select(exists().where(bodies.c.digest == name))):
            connection.execute(insert(bodies).values(digest=name, rows=zlib.compress(rows)))
    if not connection.scalar(select(exists().where(manifests.c.digest == incoming.manifest_digest))):
        connection.execute(insert(manifests).values(digest=incoming.manifest_digest, body=incoming.manifest))


def _append(
    connection: Connection, incoming: Incoming, received_at: datetime, gap: int, sign: Callable[[bytes], bytes]
) -> tuple[Receipt, bytes]:
    last = connection.execute(
        select(reports.c.position, reports.c.chain).order_by(reports.c.position.desc()).limit(1)
    ).first()
    position, before = (last.position, last.chain) if last else (0, FIRST)
    at = moment_text(received_at)
    envelope = incoming.envelope
    chain = chain_head(before, envelope.digest, at)
    receipt = Receipt(envelope.agent, envelope.seq, envelope.digest, at, position + 1, chain)
    signature = sign(receipt.to_bytes())
    connection.execute(
        insert(reports).values(
            position=receipt.position,
            chain=chain,
            agent=envelope.agent,
            seq=envelope.seq,
            digest=envelope.digest,
            gap=gap,
            manifest=incoming.manifest_digest,
            received_at=received_at,
            envelope=incoming.signed.envelope,
            signature=incoming.signed.signature,
            body=incoming.signed.body,
            receipt_signature=signature,
        )
    )
    return receipt, signature


def _extend_history(connection: Connection, incoming: Incoming, received_at: datetime) -> None:
    envelope = incoming.envelope
    last = connection.execute(
        select(intervals.c.id, intervals.c.manifest)
        .where(intervals.c.agent == envelope.agent)
        .order_by(intervals.c.first_seen.desc(), intervals.c.id.desc())
        .limit(1)
    ).first()
    if last is not None and last.manifest == incoming.manifest_digest:
        connection.execute(
            update(intervals).where(intervals.c.id == last.id).values(last_seen=received_at, last_seq=envelope.seq)
        )
        return
    connection.execute(
        insert(intervals).values(
            agent=envelope.agent,
            manifest=incoming.manifest_digest,
            first_seen=received_at,
            last_seen=received_at,
            first_seq=envelope.seq,
            last_seq=envelope.seq,
        )
    )


def _missing(connection: Connection, digests: frozenset[str]) -> tuple[str, ...]:
    have = connection.scalars(select(bodies.c.digest).where(bodies.c.digest.in_(digests))).all()
    return tuple(sorted(digests.difference(have)))
