"""Who may report: the agents, one a PC. A PC keeps its agent when its disk is made anew, and gets another key."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from muster_agent.sending.envelope import FIRST
from muster_server.store import hardware, keys, tokens
from muster_server.store.schema import agents
from muster_server.store.schema import keys as keys_table
from muster_server.subject import PC


@dataclass(frozen=True)
class Agent:
    """One enrolled agent: what it is told when it enrols."""

    id: str
    unit: str
    last_seq: int  # of the last report that was accepted; 0: none
    last_digest: str
    approved: bool


@dataclass(frozen=True)
class Request:
    """A checked enrolment request: its fields, and the signed bytes that are kept as evidence."""

    public_key: bytes
    token_hash: str
    name: str
    uuid: str | None  # of the hardware, where it says something of use
    serial: str | None
    body: bytes
    signature: bytes


def enrol(connection: Connection, request: Request, now: datetime) -> Agent | None:
    """Take a PC in. None when the token does not allow it.

    A key that was taken in before stays who it is: asking again with the same token uses nothing up, because the
    first answer may have been lost; with another token the PC has lost its enrolment and been given a new one. A
    revoked agent and an ended key stay out. A token for one PC gives that PC its next key, and ends the ones before.
    What a PC says of its hardware never makes it another: it only helps a person to see who may be whose copy.
    """
    known = keys.of_public(connection, request.public_key)
    owner = None if known is None else _row(connection, known.agent)
    if known is not None and (known.until is not None or owner is None or owner.revoked_at is not None):
        return None
    if known is not None and known.token == request.token_hash:
        return _agent(owner)
    token = tokens.consume(connection, request.token_hash, request.serial, now)
    if token is None:
        return None
    if known is not None:
        return _agent(owner) if token.agent in (None, known.agent) else None
    if token.agent is not None:
        return _anew(connection, token.agent, request, now)
    agent = str(uuid.uuid4())
    connection.execute(
        insert(agents).values(
            id=agent,
            number=int(connection.scalar(select(func.max(agents.c.number))) or 0) + 1,
            name=request.name,
            unit=token.unit,
            tags=json.dumps(list(token.tags)),
            uuid=_uuid(request),
            serial=hardware.of_use(request.serial),
            enrolled_at=now,
            approved_at=None if token.approval else now,
            last_seq=0,
            last_digest=FIRST,
        )
    )
    _bind(connection, agent, request, now)
    return _agent(_row(connection, agent))


def _anew(connection: Connection, agent: str, request: Request, now: datetime) -> Agent | None:
    row = _row(connection, agent)
    if row is None or row.revoked_at is not None:
        return None
    number = _bind(connection, agent, request, now)
    keys.end(connection, agent, now, but=number)
    connection.execute(
        update(agents)
        .where(agents.c.id == agent)
        .values(name=request.name, uuid=_uuid(request), serial=hardware.of_use(request.serial), rekey_at=None)
    )
    return _agent(row)


def _uuid(request: Request) -> str | None:
    said = hardware.of_use(request.uuid)
    return None if said is None else said.lower()  # systems differ in how they write the same one


def _bind(connection: Connection, agent: str, request: Request, now: datetime) -> int:
    return keys.add(
        connection,
        agent,
        request.public_key,
        now,
        token=request.token_hash,
        request=request.body,
        request_signature=request.signature,
    )


def change(connection: Connection, agent: str, **values: Any) -> None:
    """Set columns of one agent; what may be set, and when, is for the acts to say."""
    connection.execute(update(agents).where(agents.c.id == agent).values(values))


def ask_for_new_keys(connection: Connection, now: datetime, unit: str | None = None) -> int:
    """Ask every PC (of a unit) that is not revoked to change its key; returns how many."""
    asked = update(agents).where(agents.c.revoked_at.is_(None))
    if unit is not None:
        asked = asked.where(agents.c.unit == unit)
    return connection.execute(asked.values(rekey_at=now)).rowcount


def approve_all(connection: Connection, token: str, now: datetime) -> int:
    """Approve every PC that a token let in and that awaits it; returns how many."""
    let_in = select(keys_table.c.agent).where(keys_table.c.token == token)
    waiting = agents.c.approved_at.is_(None) & agents.c.revoked_at.is_(None)
    return connection.execute(update(agents).where(waiting, agents.c.id.in_(let_in)).values(approved_at=now)).rowcount


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


def _row(connection: Connection, agent: str) -> Row[Any] | None:
    return connection.execute(select(agents).where(agents.c.id == agent)).one_or_none()


def _agent(row: Row[Any] | None) -> Agent | None:
    if row is None:
        return None
    return Agent(row.id, row.unit, row.last_seq, row.last_digest, row.approved_at is not None)
