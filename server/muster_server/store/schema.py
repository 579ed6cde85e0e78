"""The schema: what is kept, and why. Changing it takes a migration in migrations/versions and a new HEAD."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

HEAD = "0001"  # the newest migration; a database at another one is not touched

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, kept as text of one width, so that it sorts, reads and compares alike in every database."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        """2026-11-24T08:45:10.000000Z; a moment without a zone is refused, never guessed."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:
        """The moment, in UTC."""
        return None if value is None else datetime.fromisoformat(value)


def moment_text(value: datetime) -> str:
    """The text form of a moment. Raises ``ValueError`` for one without a zone."""
    if value.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {value}")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Digest = String(64)
AgentId = String(36)

tokens = Table(
    "tokens",
    metadata,
    Column("hash", Digest, primary_key=True),  # SHA-256 of the token, which itself is shown once and never kept
    Column("unit", Text, nullable=False),
    Column("tags", Text, nullable=False),  # JSON list
    Column("uses_left", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

agents = Table(
    "agents",
    metadata,
    Column("id", AgentId, primary_key=True),
    Column("public_key", Digest, nullable=False, unique=True),  # 32 bytes in hexadecimal
    Column("name", Text, nullable=False),  # the PC's own word for itself
    Column("unit", Text, nullable=False),
    Column("tags", Text, nullable=False),  # JSON list
    Column("token", Digest, ForeignKey("tokens.hash"), nullable=False),
    Column("request", LargeBinary, nullable=False),  # the signed enrolment; it names its token by hash
    Column("request_signature", LargeBinary, nullable=False),
    Column("enrolled_at", Moment, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_digest", Digest, nullable=False),
    Column("last_report", Moment),
    Column("conflict_at", Moment),  # when two machines were first seen to use its key
    Column("revoked_at", Moment),
)

reports = Table(
    "reports",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),  # in the chain of all that was accepted
    Column("chain", Digest, nullable=False),
    Column("agent", AgentId, ForeignKey("agents.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("gap", BigInteger, nullable=False),  # how many numbers are missing before this one
    Column("manifest", Digest, ForeignKey("manifests.digest"), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("envelope", LargeBinary, nullable=False),  # the signed bytes
    Column("signature", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),  # as sent
    Column("receipt_signature", LargeBinary, nullable=False),
    UniqueConstraint("agent", "seq"),
    Index("ix_reports_agent_received_at", "agent", "received_at"),
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("agent", AgentId, ForeignKey("agents.id"), nullable=False, index=True),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("agent", "digest"),
)

manifests = Table(
    "manifests",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # canonical JSON: table -> status, digest, problem, notes
)

bodies = Table(
    "bodies",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("rows", LargeBinary, nullable=False),  # canonical JSON rows, zlib-compressed
)

intervals = Table(
    "intervals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("agent", AgentId, ForeignKey("agents.id"), nullable=False),
    Column("manifest", Digest, ForeignKey("manifests.digest"), nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Index("ix_intervals_agent_first_seen", "agent", "first_seen"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pc", AgentId, ForeignKey("agents.id"), nullable=False, index=True),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("opened", Moment, nullable=False),
    Column("due", Moment, nullable=False),
    Column("closed", Moment, index=True),
    Column("relapsed", Boolean, nullable=False),
    Column("neutral", Boolean, nullable=False),
    UniqueConstraint("pc", "rule", "opened"),
)
