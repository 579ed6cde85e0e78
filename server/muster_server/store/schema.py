"""The schema: what is kept, and why. Changing it takes a migration in migrations/versions and a new HEAD."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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

HEAD = "0002"  # the newest migration; a database at another one is not touched

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


class Instant(TypeDecorator[datetime]):
    """A moment in UTC as microseconds since 1970: eight bytes instead of 27, for rows that come by the million."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """Microseconds; a moment without a zone is refused, never guessed."""
        return None if value is None else instant(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """The moment, in UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(value: datetime) -> int:
    """The whole microseconds of a moment since 1970. Raises ``ValueError`` for one without a zone."""
    if value.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {value}")
    return (value - EPOCH) // timedelta(microseconds=1)


class _Storable(TypeDecorator[str]):
    """Text as PostgreSQL takes it: without NUL and halves of surrogate pairs. SQLite would take those too."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Raises ``ValueError`` for what PostgreSQL cannot hold."""
        if value is not None:
            if "\0" in value:
                raise ValueError("text with a NUL")
            value.encode("utf-8")
        return value


# Text that both databases hold and sort alike: by its code points, not by the language of a PostgreSQL database, and
# refused by both where one cannot hold it (security.md B15).
PlainText = _Storable().with_variant(Text(collation="C"), "postgresql")
Digest = String(64)
AgentId = String(36)
Number = BigInteger().with_variant(Integer, "sqlite")  # only as INTEGER is a key the row itself in SQLite, no index

tokens = Table(
    "tokens",
    metadata,
    Column("hash", Digest, primary_key=True),  # SHA-256 of the token, which itself is shown once and never kept
    Column("unit", PlainText, nullable=False),
    Column("tags", PlainText, nullable=False),  # JSON list
    Column("uses", Integer, nullable=False),  # PCs it was issued for
    Column("uses_left", Integer, nullable=False),
    Column("approval", Boolean, nullable=False),  # whether a PC it lets in counts only once somebody approves it
    Column("agent", AgentId, ForeignKey("agents.id")),  # the one PC it is for: its next key
    Column("serial", PlainText),  # the hardware serial it is for
    Column("created_at", Moment, nullable=False),
    Column("created_by", PlainText, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)

agents = Table(
    "agents",
    metadata,
    Column("id", AgentId, primary_key=True),
    Column("number", Number, nullable=False, unique=True),  # what reports call it: three bytes instead of 36
    Column("name", PlainText, nullable=False),  # the PC's own word for itself
    Column("unit", PlainText, nullable=False),
    Column("tags", PlainText, nullable=False),  # JSON list
    Column("uuid", PlainText, index=True),  # of its hardware, as it said when it enrolled; null: nothing of use
    Column("serial", PlainText, index=True),
    Column("enrolled_at", Moment, nullable=False),
    Column("approved_at", Moment),  # null: awaits approval, and its reports do not count
    Column("last_seq", BigInteger, nullable=False),
    Column("last_digest", Digest, nullable=False),
    Column("last_report", Moment),
    Column("interval", Number),  # of its history that goes on: intervals.id
    Column("conflict_at", Moment),  # when two machines were first seen to use its key
    Column("skew", BigInteger),  # seconds the server's clock was ahead of the PC's when its last report came
    Column("apart_at", Moment),  # when an administrator said it is a PC of its own, whatever its hardware says
    Column("rekey_at", Moment),  # when an administrator asked it to change its key; null once it has
    Column("revoked_at", Moment),
    Column("revoked_for", PlainText),  # the administrator's reason
    Column("replaced_by", AgentId, ForeignKey("agents.id")),  # the PC that stands in its place
)

keys = Table(
    "keys",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("id", String(16), nullable=False),  # the first digits of the public key's SHA-256, as envelopes name it
    Column("agent", AgentId, ForeignKey("agents.id"), nullable=False, index=True),
    Column("public_key", Digest, nullable=False, unique=True),  # 32 bytes in hexadecimal
    Column("token", Digest, ForeignKey("tokens.hash")),  # that let it in; null for a key its predecessor vouched for
    Column("request", LargeBinary, nullable=False),  # the signed enrolment (it names its token by hash) or rotation
    Column("request_signature", LargeBinary, nullable=False),
    Column("predecessor", Number, ForeignKey("keys.number")),  # the key that signed the rotation
    Column("predecessor_signature", LargeBinary),
    Column("since", Moment, nullable=False),
    Column("until", Moment),  # from then on nothing signed with it is taken in; null: until further notice
)

boots = Table(
    "boots",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("id", PlainText, nullable=False, unique=True),  # as the envelope says it
)

sent = Table(  # every distinct body as a PC sent it; an unchanged PC sends the same bytes again
    "sent",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("manifest", Digest, ForeignKey("manifests.digest"), nullable=False),
    Column("data", LargeBinary, nullable=False),
)

reports = Table(  # each row is a signed envelope in parts; store/statements.py puts it together again, byte for byte
    "reports",
    metadata,
    Column("position", Number, primary_key=True, autoincrement=False),  # in the chain of all that was accepted
    Column("agent", Number, ForeignKey("agents.number"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("key", Number, ForeignKey("keys.number"), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("collected_at", BigInteger, nullable=False),  # the digits of the envelope's moment: 20261124080000
    Column("boot", Number, ForeignKey("boots.number"), nullable=False),
    Column("body", Number, ForeignKey("sent.number"), nullable=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
    Column("chain", LargeBinary(32), nullable=False),  # head of the server's chain after this report
    UniqueConstraint("agent", "seq"),
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
    Column("id", Number, primary_key=True, autoincrement=False),
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
    Column("rule", PlainText, nullable=False),
    Column("severity", PlainText, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("opened", Moment, nullable=False),
    Column("due", Moment, nullable=False),
    Column("closed", Moment, index=True),
    Column("relapsed", Boolean, nullable=False),
    Column("neutral", Boolean, nullable=False),
    UniqueConstraint("pc", "rule", "opened"),
)

readers = Table(
    "readers",
    metadata,
    Column("name", PlainText, primary_key=True),
    Column("hash", Digest, nullable=False, unique=True),  # SHA-256 of the credential, which is shown once
    Column("role", PlainText, nullable=False),  # access/roles.py
    Column("unit", PlainText),  # a viewer's
    Column("created_at", Moment, nullable=False),
    Column("created_by", PlainText, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)

audit = Table(  # what administrators did; only ever added to (a trigger refuses the rest), each row chained to the last
    "audit",
    metadata,
    Column("position", Number, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),  # canonical JSON: at, operator, act, subject, detail
    Column("chain", Digest, nullable=False),
)

pruned = Table(  # where the chain of reports begins, once the oldest have passed their term
    "pruned",
    metadata,
    Column("position", Number, primary_key=True, autoincrement=False),  # of the last one that is gone
    Column("chain", LargeBinary(32), nullable=False),
    Column("at", Moment, nullable=False),
)

standings = Table(  # what every PC is told of itself with its next receipt, by whichever server process answers it
    "standings",
    metadata,
    Column("pc", AgentId, ForeignKey("agents.id"), primary_key=True),
    Column("number", Number, nullable=False, unique=True),  # in the order of change: who remembers asks what is newer
    Column("told", LargeBinary, nullable=False),  # canonical JSON, without the moment
    Column("as_of", Moment, nullable=False),  # when that was found; a later look at every PC found the same
)

rounds = Table(  # what one process at a time does for all, and when it was last done
    "rounds",
    metadata,
    Column("name", PlainText, primary_key=True),
    Column("done_at", Moment, nullable=False),
)
