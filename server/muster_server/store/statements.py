"""Signed envelopes in parts: how one is taken apart for the table reports, and put together again byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from muster_agent.sending.envelope import Envelope, Receipt
from muster_agent.sending.report import ENCODING, SignedReport
from muster_server.store.schema import agents, boots, keys, moment_text, reports, sent


@dataclass(frozen=True)
class Stored:
    """A report as it was taken in."""

    envelope: Envelope
    signature: bytes
    body: bytes  # as sent
    manifest: str  # digest of what it says
    public_key: bytes  # of the PC, 32 bytes
    position: int
    chain: str  # head of the server's chain after it
    received_at: datetime

    @property
    def receipt(self) -> Receipt:
        """What the server signed for it."""
        envelope = self.envelope
        at = moment_text(self.received_at)
        return Receipt(envelope.agent, envelope.seq, envelope.digest, at, self.position, self.chain)

    @property
    def signed(self) -> SignedReport:
        """The three things that travelled together."""
        return SignedReport(self.envelope.to_bytes(), self.signature, self.body)


def digits(collected_at: str) -> int:
    """The fourteen digits of 2026-11-24T08:00:00Z as a number: lossless even for a moment that no calendar has."""
    return int(re.sub("[^0-9]", "", collected_at))


def moment_of(number: int) -> str:
    """The moment whose :func:`digits` are ``number``."""
    text = f"{number:014d}"
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:14]}Z"


def everything() -> Select[Any]:
    """Every report, with what is needed to put its envelope together; narrow and order it as needed."""
    return (
        select(
            reports,
            agents.c.id.label("agent_id"),
            keys.c.id.label("key_id"),
            keys.c.public_key,
            boots.c.id.label("boot_id"),
            sent.c.digest.label("body_digest"),
            sent.c.manifest,
            sent.c.data,
        )
        .join(agents, reports.c.agent == agents.c.number)
        .join(keys, reports.c.key == keys.c.number)
        .join(boots, reports.c.boot == boots.c.number)
        .join(sent, reports.c.body == sent.c.number)
    )


def envelope_of(row: Row[Any], agent: str, key: str) -> Envelope:
    """The envelope in the columns of a row, of the agent and the key of these ids. What somebody has changed in the
    database may be no envelope any more: ``Envelope.parse`` of its bytes tells."""
    return Envelope(
        agent=agent,
        key=key,
        seq=row.seq,
        previous=row.previous.hex(),
        boot=row.boot_id,
        collected_at=moment_of(row.collected_at),
        encoding=ENCODING,
        body=row.body_digest.hex(),
    )


def stored(row: Row[Any]) -> Stored:
    """The report of a row of :func:`everything`."""
    return Stored(
        envelope=envelope_of(row, row.agent_id, row.key_id),
        signature=row.signature,
        body=row.data,
        manifest=row.manifest,
        public_key=bytes.fromhex(row.public_key),
        position=row.position,
        chain=row.chain.hex(),
        received_at=row.received_at,
    )


def of_agent(connection: Connection, agent: str) -> Iterator[Stored]:
    """Every report of a PC that is kept, in the order of their numbers."""
    query = everything().where(agents.c.id == agent).order_by(reports.c.seq)
    return map(stored, connection.execute(query.execution_options(yield_per=500)))
