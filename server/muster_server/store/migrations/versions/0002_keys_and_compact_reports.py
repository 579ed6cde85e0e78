"""Keys of their own table, reports in parts, tokens with terms, readers and the audit log.

Every table that refers to agents is made anew: SQLite cannot change a key in place. What they held waits in temporary
tables meanwhile, which both databases drop by themselves.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")  # sorts by code points, as SQLite does
KEEP = (
    "CREATE TEMPORARY TABLE old_tokens AS SELECT * FROM tokens",
    "CREATE TEMPORARY TABLE old_agents AS SELECT * FROM agents",
    "CREATE TEMPORARY TABLE old_reports AS SELECT * FROM reports",
    "CREATE TEMPORARY TABLE old_conflicts AS SELECT * FROM conflicts",
    "CREATE TEMPORARY TABLE old_intervals AS SELECT * FROM intervals",
    "CREATE TEMPORARY TABLE old_findings AS SELECT * FROM findings",
)
DROP = ("findings", "intervals", "conflicts", "reports", "agents", "tokens")
COUNT_ON = (
    "SELECT setval(pg_get_serial_sequence('conflicts', 'id'), (SELECT max(id) FROM conflicts))",
    "SELECT setval(pg_get_serial_sequence('findings', 'id'), (SELECT max(id) FROM findings))",
)
CHUNK = 500  # rows copied at a time


def upgrade() -> None:
    """Make the new tables and fill them from the old."""
    bind = op.get_bind()
    for statement in KEEP:
        bind.execute(sa.text(statement))
    for name in DROP:
        op.drop_table(name)
    agents()
    tokens()
    keys()
    reports()
    others()
    together()
    audit()
    fill(bind)
    count_on(bind)
    for name in DROP:
        op.drop_table(f"old_{name}")  # the connection may live on


def agents() -> None:
    """The PCs, each with a short number."""
    op.create_table(
        "agents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("uuid", TEXT, nullable=True),
        sa.Column("serial", TEXT, nullable=True),
        sa.Column("enrolled_at", sa.String(length=27), nullable=False),
        sa.Column("approved_at", sa.String(length=27), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_digest", sa.String(length=64), nullable=False),
        sa.Column("last_report", sa.String(length=27), nullable=True),
        sa.Column("interval", NUMBER, nullable=True),
        sa.Column("conflict_at", sa.String(length=27), nullable=True),
        sa.Column("skew", sa.BigInteger(), nullable=True),
        sa.Column("apart_at", sa.String(length=27), nullable=True),
        sa.Column("rekey_at", sa.String(length=27), nullable=True),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
        sa.Column("revoked_for", TEXT, nullable=True),
        sa.Column("replaced_by", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["replaced_by"], ["agents.id"], name=op.f("fk_agents_replaced_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("number", name=op.f("uq_agents_number")),
    )
    op.create_index(op.f("ix_agents_uuid"), "agents", ["uuid"], unique=False)
    op.create_index(op.f("ix_agents_serial"), "agents", ["serial"], unique=False)


def tokens() -> None:
    """Enrolment tokens with their terms."""
    op.create_table(
        "tokens",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("approval", sa.Boolean(), nullable=False),
        sa.Column("agent", sa.String(length=36), nullable=True),
        sa.Column("serial", TEXT, nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["agent"], ["agents.id"], name=op.f("fk_tokens_agent")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_tokens")),
    )


def keys() -> None:
    """The keys of the PCs."""
    op.create_table(
        "keys",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("agent", sa.String(length=36), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=True),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("request_signature", sa.LargeBinary(), nullable=False),
        sa.Column("predecessor", NUMBER, nullable=True),
        sa.Column("predecessor_signature", sa.LargeBinary(), nullable=True),
        sa.Column("since", sa.String(length=27), nullable=False),
        sa.Column("until", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["agent"], ["agents.id"], name=op.f("fk_keys_agent")),
        sa.ForeignKeyConstraint(["token"], ["tokens.hash"], name=op.f("fk_keys_token")),
        sa.ForeignKeyConstraint(["predecessor"], ["keys.number"], name=op.f("fk_keys_predecessor")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_keys")),
        sa.UniqueConstraint("public_key", name=op.f("uq_keys_public_key")),
    )
    op.create_index(op.f("ix_keys_agent"), "keys", ["agent"], unique=False)


def reports() -> None:
    """The reports in parts."""
    op.create_table(
        "boots",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_boots")),
        sa.UniqueConstraint("id", name=op.f("uq_boots_id")),
    )
    op.create_table(
        "sent",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("manifest", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["manifest"], ["manifests.digest"], name=op.f("fk_sent_manifest")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_sent")),
        sa.UniqueConstraint("digest", name=op.f("uq_sent_digest")),
    )
    op.create_table(
        "reports",
        sa.Column("position", NUMBER, autoincrement=False, nullable=False),
        sa.Column("agent", NUMBER, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("key", NUMBER, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("collected_at", sa.BigInteger(), nullable=False),
        sa.Column("boot", NUMBER, nullable=False),
        sa.Column("body", NUMBER, nullable=False),
        sa.Column("previous", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("chain", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agents.number"], name=op.f("fk_reports_agent")),
        sa.ForeignKeyConstraint(["key"], ["keys.number"], name=op.f("fk_reports_key")),
        sa.ForeignKeyConstraint(["boot"], ["boots.number"], name=op.f("fk_reports_boot")),
        sa.ForeignKeyConstraint(["body"], ["sent.number"], name=op.f("fk_reports_body")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_reports")),
        sa.UniqueConstraint("agent", "seq", name=op.f("uq_reports_agent")),
    )
    op.create_table(
        "pruned",
        sa.Column("position", NUMBER, autoincrement=False, nullable=False),
        sa.Column("chain", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_pruned")),
    )


def others() -> None:
    """Conflicts, intervals and findings as they were; who may read."""
    op.create_table(
        "conflicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.String(length=27), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agents.id"], name=op.f("fk_conflicts_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflicts")),
        sa.UniqueConstraint("agent", "digest", name=op.f("uq_conflicts_agent")),
    )
    op.create_index(op.f("ix_conflicts_agent"), "conflicts", ["agent"], unique=False)
    op.create_table(
        "intervals",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("agent", sa.String(length=36), nullable=False),
        sa.Column("manifest", sa.String(length=64), nullable=False),
        sa.Column("first_seen", sa.String(length=27), nullable=False),
        sa.Column("last_seen", sa.String(length=27), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agents.id"], name=op.f("fk_intervals_agent")),
        sa.ForeignKeyConstraint(["manifest"], ["manifests.digest"], name=op.f("fk_intervals_manifest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intervals")),
    )
    op.create_index("ix_intervals_agent_first_seen", "intervals", ["agent", "first_seen"], unique=False)
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pc", sa.String(length=36), nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("severity", TEXT, nullable=False),
        sa.Column("first_seen", sa.String(length=27), nullable=False),
        sa.Column("opened", sa.String(length=27), nullable=False),
        sa.Column("due", sa.String(length=27), nullable=False),
        sa.Column("closed", sa.String(length=27), nullable=True),
        sa.Column("relapsed", sa.Boolean(), nullable=False),
        sa.Column("neutral", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["pc"], ["agents.id"], name=op.f("fk_findings_pc")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sa.UniqueConstraint("pc", "rule", "opened", name=op.f("uq_findings_pc")),
    )
    op.create_index(op.f("ix_findings_closed"), "findings", ["closed"], unique=False)
    op.create_index(op.f("ix_findings_pc"), "findings", ["pc"], unique=False)
    op.create_table(
        "readers",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_readers")),
        sa.UniqueConstraint("hash", name=op.f("uq_readers_hash")),
    )


def together() -> None:
    """What several server processes tell each other."""
    op.create_table(
        "standings",
        sa.Column("pc", sa.String(length=36), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.Column("as_of", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["pc"], ["agents.id"], name=op.f("fk_standings_pc")),
        sa.PrimaryKeyConstraint("pc", name=op.f("pk_standings")),
        sa.UniqueConstraint("number", name=op.f("uq_standings_number")),
    )
    op.create_table(
        "rounds",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("done_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rounds")),
    )


APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is only added to'); END",
        "CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is only added to'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit is only added to'; END $$",
        "CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()",
    ),
}


def audit() -> None:
    """The log of what administrators did; a trigger refuses whatever does not add to it."""
    op.create_table(
        "audit",
        sa.Column("position", NUMBER, autoincrement=False, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit")),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(sa.text(statement))


def fill(bind: sa.Connection) -> None:
    """Bring over what the old tables held."""
    new = sa.MetaData()
    new.reflect(bind)
    hashes = {}
    for row in bind.execute(sa.text("SELECT * FROM old_tokens")).mappings():
        terms = {"uses": row["uses_left"], "approval": False, "created_by": "-"}
        bind.execute(sa.insert(new.tables["tokens"]).values(**row, **terms))
    for number, row in enumerate(
        bind.execute(sa.text("SELECT * FROM old_agents ORDER BY enrolled_at, id")).mappings().all(), 1
    ):
        bind.execute(sa.insert(new.tables["agents"]).values(**agent_of(dict(row), number)))
        key = hashlib.sha256(bytes.fromhex(row["public_key"])).hexdigest()[:16]
        bind.execute(
            sa.insert(new.tables["keys"]).values(
                number=number,
                id=key,
                agent=row["id"],
                since=row["enrolled_at"],
                **{name: row[name] for name in ("public_key", "token", "request", "request_signature")},
            )
        )
        hashes[row["id"]] = number
    for table, query in (
        ("conflicts", "SELECT * FROM old_conflicts"),
        ("intervals", "SELECT * FROM old_intervals ORDER BY id"),
        ("findings", "SELECT * FROM old_findings"),
    ):
        rows = bind.execute(sa.text(query)).mappings().all()
        for start in range(0, len(rows), CHUNK):
            bind.execute(sa.insert(new.tables[table]), [dict(row) for row in rows[start : start + CHUNK]])
    fill_reports(bind, new, hashes)


def count_on(bind: sa.Connection) -> None:
    """PostgreSQL's counters know nothing of numbers that were brought along."""
    if bind.dialect.name == "postgresql":
        for statement in COUNT_ON:
            bind.execute(sa.text(statement))


def agent_of(row: dict[str, Any], number: int) -> dict[str, Any]:
    """An agent as it is kept now: what its enrolment said of the hardware gets columns of its own."""
    hints = json.loads(bytes(row["request"])).get("hints", {})
    for name in ("public_key", "token", "request", "request_signature"):
        row.pop(name)
    return {
        **row,
        "number": number,
        "uuid": hints.get("uuid"),
        "serial": hints.get("hardware_serial"),
        "approved_at": row["enrolled_at"],
    }


def fill_reports(bind: sa.Connection, new: sa.MetaData, numbers: dict[str, int]) -> None:
    """Take the signed envelopes apart."""
    boots: dict[str, int] = {}
    bodies: dict[str, int] = {}
    # One at a time: a body may be two megabytes.
    positions = bind.execute(sa.text("SELECT position FROM old_reports ORDER BY position")).scalars().all()
    for position in positions:
        row = bind.execute(sa.text("SELECT * FROM old_reports WHERE position = :p"), {"p": position}).mappings().one()
        _, agent, _, seq, previous, boot, collected, _, body = bytes(row["envelope"]).decode("ascii").split("\n")[:9]
        if boot not in boots:
            boots[boot] = len(boots) + 1
            bind.execute(sa.insert(new.tables["boots"]).values(number=boots[boot], id=boot))
        if body not in bodies:
            bodies[body] = len(bodies) + 1
            bind.execute(
                sa.insert(new.tables["sent"]).values(
                    number=bodies[body], digest=bytes.fromhex(body), manifest=row["manifest"], data=row["body"]
                )
            )
        bind.execute(
            sa.insert(new.tables["reports"]).values(
                position=position,
                agent=numbers[agent],
                seq=int(seq),
                key=numbers[agent],
                received_at=microseconds(row["received_at"]),
                collected_at=int("".join(filter(str.isdigit, collected))[:14]),
                boot=boots[boot],
                body=bodies[body],
                previous=bytes.fromhex(previous),
                signature=row["signature"],
                chain=bytes.fromhex(row["chain"]),
            )
        )
    bind.execute(sa.text("UPDATE agents SET interval = (SELECT max(i.id) FROM intervals i WHERE i.agent = agents.id)"))


def microseconds(moment: str) -> int:
    """The whole microseconds of a moment since 1970."""
    since = datetime.fromisoformat(moment) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
