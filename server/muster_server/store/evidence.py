"""What is read to check the evidence, without trusting a single value of it: a database that somebody has tampered
with may hold anything in any column, so values come as they lie there and are judged by who asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Row, Select, String, Table, func, select, type_coerce

from muster_agent.sending.envelope import FIRST
from muster_server.store.schema import (
    EPOCH,
    agents,
    audit,
    bodies,
    boots,
    conflicts,
    intervals,
    keys,
    manifests,
    moment_text,
    pruned,
    reports,
    sent,
    tokens,
)
from muster_server.store.statements import envelope_of

CHUNK = 1000  # rows fetched at a time
BIG = 8  # rows fetched at a time where one may hold two megabytes


@dataclass(frozen=True)
class Head:
    """A place in the server's chain of everything it accepted."""

    position: int  # 0: before the first
    chain: str

    def __str__(self) -> str:
        return f"{self.position}:{self.chain}"


def beginning(connection: Connection) -> tuple[Head, str | None]:
    """Where the chain that is kept begins: after which head, and until when reports were pruned (None: never)."""
    row = connection.execute(
        select(pruned.c.position, pruned.c.chain, _raw(pruned.c.at)).order_by(pruned.c.position.desc()).limit(1)
    ).first()
    return (Head(0, FIRST), None) if row is None else (Head(row.position, hexadecimal(row.chain)), row.at)


def head_at(connection: Connection, position: int) -> Head | None:
    """The head of the chain at a position; None where none is kept."""
    begins, _ = beginning(connection)
    if position == begins.position:
        return begins
    chain = connection.scalar(select(reports.c.chain).where(reports.c.position == position))
    return None if chain is None else Head(position, hexadecimal(chain))


def count(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return connection.scalar(select(func.count()).select_from(table)) or 0


def hexadecimal(value: Any) -> str:
    """Bytes in hexadecimal; for whatever else may lie in such a column a text that equals no digest."""
    return value.hex() if isinstance(value, bytes) else f"not bytes: {value!r:.40}"


def walk(connection: Connection) -> Iterator[Row[Any]]:
    """Every report in the order of the chain, with the parts of its envelope, null where one is missing."""
    return _each(connection, chained())


def chained() -> Select[Any]:
    """Every report with the parts of its envelope, but for its body; narrow and order it as needed."""
    return (
        select(
            reports.c.position,
            reports.c.agent,
            reports.c.seq,
            reports.c.key,
            _raw(reports.c.received_at),
            reports.c.collected_at,
            reports.c.previous,
            reports.c.signature,
            reports.c.chain,
            boots.c.id.label("boot_id"),
            sent.c.digest.label("body_digest"),
            sent.c.manifest,
        )
        .outerjoin(boots, reports.c.boot == boots.c.number)
        .outerjoin(sent, reports.c.body == sent.c.number)
        .order_by(reports.c.position)
    )


def every_agent(connection: Connection) -> Iterator[Row[Any]]:
    """Every PC, by number."""
    columns = (agents.c.id, agents.c.number, agents.c.last_seq, agents.c.last_digest)
    return _each(connection, select(*columns, _raw(agents.c.last_report)).order_by(agents.c.number))


def every_key(connection: Connection) -> Iterator[Row[Any]]:
    """Every key, by number."""
    plain = [column for column in keys.c if column.name not in ("since", "until")]
    return _each(connection, select(*plain).order_by(keys.c.number))


def every_interval(connection: Connection) -> Iterator[Row[Any]]:
    """Every interval of every PC, in the order they began."""
    columns = (intervals.c.agent, intervals.c.first_seq, intervals.c.last_seq, intervals.c.manifest)
    return _each(connection, select(*columns).order_by(intervals.c.id))


def every_body(connection: Connection) -> Iterator[Row[Any]]:
    """Every body as sent."""
    return _each(connection, select(sent).order_by(sent.c.number), BIG)


def every_manifest(connection: Connection) -> Iterator[Row[Any]]:
    """Every manifest."""
    return _each(connection, select(manifests), BIG)


def every_table(connection: Connection) -> Iterator[Row[Any]]:
    """The rows of every table, compressed."""
    return _each(connection, select(bodies), BIG)


def every_conflict(connection: Connection, agent: str | None = None) -> Iterator[Row[Any]]:
    """Every report that was kept and not counted."""
    columns = [column for column in conflicts.c if column.name != "received_at"]
    query = select(*columns, _raw(conflicts.c.received_at)).order_by(conflicts.c.id)
    return _each(connection, query if agent is None else query.where(conflicts.c.agent == agent), BIG)


def of_token(connection: Connection, hashed: str | None) -> Row[Any] | None:
    """The token that let a key in."""
    return connection.execute(select(tokens).where(tokens.c.hash == hashed)).one_or_none()


def of_pc(connection: Connection, agent: str) -> Row[Any] | None:
    """A PC's row of agents."""
    return connection.execute(select(agents).where(agents.c.id == agent)).one_or_none()


def pcs(connection: Connection) -> list[tuple[str, str]]:
    """Id and name of every PC there ever was, revoked ones too."""
    return [(row.id, row.name) for row in connection.execute(select(agents.c.id, agents.c.name))]


def positions_of(connection: Connection, agent: str) -> tuple[int, int]:
    """The first and the last position of a PC's reports; 0, 0 where there are none."""
    ends = select(func.min(reports.c.position), func.max(reports.c.position))
    of = ends.join(agents, agents.c.number == reports.c.agent).where(agents.c.id == agent)
    first, last = connection.execute(of).one()
    return first or 0, last or 0


def between(connection: Connection, first: int, last: int) -> Iterator[Row[Any]]:
    """As :func:`walk`, from one position to another, both included, with the id of each PC and of its key."""
    query = (
        chained()
        .add_columns(agents.c.id.label("agent_id"), keys.c.id.label("key_id"))
        .outerjoin(agents, agents.c.number == reports.c.agent)
        .outerjoin(keys, keys.c.number == reports.c.key)
        .where(reports.c.position.between(first, last))
    )
    return _each(connection, query)


def named(row: Row[Any]) -> tuple[str, str]:
    """The digest of the report in a row of :func:`between`, and when it was received, as the chain names them."""
    envelope = envelope_of(row, row.agent_id, row.key_id)
    return envelope.digest, moment_text(EPOCH + timedelta(microseconds=row.received_at))


def audit_head(connection: Connection) -> Head:
    """The last entry of the audit log."""
    row = connection.execute(select(audit.c.position, audit.c.chain).order_by(audit.c.position.desc()).limit(1)).first()
    return Head(0, FIRST) if row is None else Head(row.position, str(row.chain))


def _raw(column: Column[Any]) -> Any:
    """A moment as it lies in the database."""
    return type_coerce(column, BigInteger if column is reports.c.received_at else String).label(column.name)


def _each(connection: Connection, query: Select[Any], rows: int = CHUNK) -> Iterator[Row[Any]]:
    yield from connection.execute(query.execution_options(yield_per=rows))
