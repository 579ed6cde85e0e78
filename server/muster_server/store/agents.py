"""Who may report: the agents, each with the public half of the key its PC made."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from muster_agent.envelope import FIRST
from muster_server.store import tokens
from muster_server.store.schema import agents
from muster_server.subject import PC


@dataclass(frozen=True)
class Agent:
    """One enrolled agent, as far as the door needs it."""

    id: str
    public_key: bytes
    unit: str
    revoked: bool
    last_seq: int  # of the last report that was accepted; 0: none
    last_digest: str


@dataclass(frozen=True)
class Request:
    """A checked enrolment request: its fields, and the signed bytes that are kept as evidence."""

    public_key: bytes
    token_hash: str
    name: str
    body: bytes
    signature: bytes


def enrol(connection: Connection, request: Request, now: datetime) -> Agent | None:
    """Take a PC in. None when the token does not allow it.

    A key that was taken in before stays who it is: asking again with the same token uses nothing up, because the
    first answer may have been lost; with another token the PC has lost its enrolment and been given a new one. A
    revoked key stays out.
    """
    known = connection.execute(select(agents).where(agents.c.public_key == request.public_key.hex())).one_or_none()
    if known is not None and known.revoked_at is not None:
        return None
    if known is not None and known.token == request.token_hash:
        return _agent(known)
    token = tokens.consume(connection, request.token_hash, now)
    if token is None:
        return None
    if known is not None:
        return _agent(known)
    agent = Agent(str(uuid.uuid4()), request.public_key, token.unit, revoked=False, last_seq=0, last_digest=FIRST)
    connection.execute(
        insert(agents).values(
            id=agent.id,
            public_key=request.public_key.hex(),
            name=request.name,
            unit=token.unit,
            tags=json.dumps(list(token.tags)),
            token=token.hash,
            request=request.body,
            request_signature=request.signature,
            enrolled_at=now,
            last_seq=agent.last_seq,
            last_digest=agent.last_digest,
        )
    )
    return agent


def find(connection: Connection, agent_id: str) -> Agent | None:
    """The agent with that id."""
    row = connection.execute(select(agents).where(agents.c.id == agent_id)).one_or_none()
    return None if row is None else _agent(row)


def count(connection: Connection) -> int:
    """How many agents are enrolled and not revoked."""
    return connection.scalar(select(func.count()).where(agents.c.revoked_at.is_(None))) or 0


def pc_of(row: Row[Any], last_report: datetime | None) -> PC:
    """The PC behind a row of the table agents."""
    return PC(
        id=row.id,
        name=row.name,
        unit=row.unit,
        tags=tuple(json.loads(row.tags)),
        enrolled_at=row.enrolled_at,
        last_report=last_report,
        conflict=row.conflict_at is not None,
    )


def _agent(row: Row[Any]) -> Agent:
    key = bytes.fromhex(row.public_key)
    return Agent(row.id, key, row.unit, row.revoked_at is not None, row.last_seq, row.last_digest)
