"""Every released schema becomes the present one, on both databases: nothing is lost, and every signature holds."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select, text

from muster_agent.sending.envelope import FIRST, Envelope, chain_head
from muster_agent.sending.keys import verify
from muster_server.store import findings, history, keys
from muster_server.store.database import Database, OlderSchema
from muster_server.store.reports import last_of_chain
from muster_server.store.schema import agents, conflicts, intervals, metadata, moment_text, reports, tokens
from muster_server.store.statements import everything, of_agent, stored

SPEC = importlib.util.spec_from_file_location("released", Path(__file__).with_name("released.py"))
assert SPEC is not None and SPEC.loader is not None
released = importlib.util.module_from_spec(SPEC)
sys.modules["released"] = released
SPEC.loader.exec_module(released)

VERSIONS = sorted(path.name.split(".")[0] for path in released.SCHEMAS.glob("*.db.gz"))


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """A released schema."""
    found: str = request.param
    return found


@pytest.fixture
def before(version: str, tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """What the database of that version held."""
    released.put(version, tmp_path / "before.db")
    found: dict[str, list[dict[str, Any]]] = released.rows(version, tmp_path / "before.db")
    return found


@pytest.fixture
def old(address: Path | str, version: str, before: dict[str, list[dict[str, Any]]]) -> Iterator[Database]:
    """That database, in both kinds."""
    if isinstance(address, Path):
        released.put(version, address)
        database = Database.at(address)
    else:
        database = Database.at(address)
        database.migrate(version)
        with database.write() as connection:
            released.load(connection, version, before)
    yield database
    database.close()


def test_an_older_schema_is_not_opened_until_it_is_brought_up_to_date(address: Path | str, old: Database) -> None:
    with pytest.raises(OlderSchema):
        Database.open(address)
    old.migrate()
    Database.open(address).close()


def test_the_schema_is_exactly_that_of_a_new_database(old: Database) -> None:
    old.migrate()
    with old.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]


def test_every_report_is_there_with_its_signature_its_body_and_its_place(old: Database, before: Any) -> None:
    old.migrate()
    with old.read() as connection:
        kept = [stored(row) for row in connection.execute(everything().order_by(reports.c.position))]
        assert last_of_chain(connection) == (len(kept), before["reports"][-1]["chain"])
    assert len(kept) == len(before["reports"]) >= 20
    head = FIRST
    for one, was in zip(kept, before["reports"], strict=True):
        assert one.envelope.to_bytes() == was["envelope"], "byte for byte"
        assert (one.signature, one.body, one.manifest) == (was["signature"], was["body"], was["manifest"])
        assert verify(one.public_key, one.signature, one.envelope.to_bytes())
        assert hashlib.sha256(one.body).hexdigest() == one.envelope.body
        head = chain_head(head, one.envelope.digest, moment_text(one.received_at))
        assert (one.chain, was["chain"]) == (head, head)
        assert moment_text(one.received_at) == was["received_at"]
    assert "2026-02-31T25:61:61Z" in {one.envelope.collected_at for one in kept}, "a moment that no calendar has"
    assert {one.envelope.seq for one in kept} > {9}, "a number after a gap"


def test_every_pc_keeps_its_name_its_key_and_its_enrolment(old: Database, before: Any) -> None:
    old.migrate()
    was = {row["id"]: row for row in before["agents"]}
    with old.read() as connection:
        now = {row.id: row for row in connection.execute(select(agents))}
        assert set(now) == set(was)
        for id, row in now.items():
            [key] = keys.of_agent(connection, id)
            assert (key.public_key, key.request, key.request_signature, key.token, key.until) == (
                *(was[id][name] for name in ("public_key", "request", "request_signature", "token")),
                None,
            )
            assert [row.name, row.unit, row.tags, row.last_seq] == [
                was[id][name] for name in ("name", "unit", "tags", "last_seq")
            ]
            assert row.last_digest == was[id]["last_digest"]
            assert moment_text(row.approved_at) == was[id]["enrolled_at"], "it counted, so it counts"
            for name in ("enrolled_at", "last_report", "conflict_at", "revoked_at"):
                moment = getattr(row, name)
                assert (moment and moment_text(moment)) == was[id][name]
            last = connection.scalar(select(func.max(intervals.c.id)).where(intervals.c.agent == id))
            assert row.interval == last
            assert [one.envelope.seq for one in of_agent(connection, id)][-1] == row.last_seq
        assert sum(row.revoked_at is not None for row in now.values()) == 1
        assert sum(row.conflict_at is not None for row in now.values()) == 2
        assert len({row.number for row in now.values()}) == len(now)


def test_tokens_conflicts_intervals_and_findings_are_there(old: Database, before: Any) -> None:
    old.migrate()
    with old.read() as connection:
        left = {row.hash: (row.unit, row.uses_left) for row in connection.execute(select(tokens))}
        assert left == {row["hash"]: (row["unit"], row["uses_left"]) for row in before["tokens"]}
        assert ("未用", 7) in left.values()
        [conflict] = connection.execute(select(conflicts)).all()
        assert [conflict.envelope, conflict.signature, conflict.body] == [
            before["conflicts"][0][name] for name in ("envelope", "signature", "body")
        ]
        spans = connection.execute(select(intervals).order_by(intervals.c.id)).all()
        assert [(row.id, row.agent, row.manifest, row.first_seq, row.last_seq) for row in spans] == [
            tuple(row[name] for name in ("id", "agent", "manifest", "first_seq", "last_seq"))
            for row in sorted(before["intervals"], key=lambda row: row["id"])
        ]
        now = datetime(2027, 1, 1, tzinfo=UTC)
        found = [one for some in findings.load(connection, now).values() for one in some]
        assert {(one.pc, one.rule, moment_text(one.opened)) for one in found} == {
            (row["pc"], row["rule"], row["opened"]) for row in before["findings"]
        }
        subjects = history.subjects(connection, ["os_version", "system_info"], now)
        assert len(subjects) == len(before["agents"]) - 1, "all but the revoked one"
        assert all(subject.tables and "os_version" in subject.tables for subject in subjects)


def test_what_comes_after_goes_on_where_it_was(old: Database, before: Any) -> None:
    """Numbers that the database itself gives do not begin anew, and the chain goes on."""
    old.migrate()
    now = datetime.now(UTC)
    one = before["conflicts"][0]
    with old.write() as connection:
        row = {"agent": one["agent"], "seq": 1, "digest": "f" * 64, "received_at": now}
        connection.execute(conflicts.insert().values(**row, envelope=b"e", signature=b"s", body=b"b"))
        found = [some for many in findings.load(connection, now).values() for some in many]
        from dataclasses import replace

        findings.save(connection, [replace(found[0], rule="NEW-1")])
    with old.read() as connection:
        assert connection.scalar(select(func.count()).select_from(conflicts)) == 2
        assert Envelope.parse(one["envelope"]).agent == one["agent"]


def test_a_migration_that_fails_leaves_the_old_database_as_it_was(
    old: Database, version: str, before: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object, **named: object) -> None:
        raise RuntimeError("half-way")

    monkeypatch.setattr("alembic.op.create_index", fails)
    with pytest.raises(RuntimeError):
        old.migrate()
    monkeypatch.undo()
    assert old.version() == version
    with old.read() as connection:
        for table in released.TABLES[version]:
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == len(before[table])
    old.migrate()
    with old.read() as connection:
        assert connection.scalar(select(func.count()).select_from(reports)) == len(before["reports"])


def test_every_released_schema_is_tested() -> None:
    """A new release: make its database as released.py says, and put it into schemas/."""
    folder = Path(released.__file__).parents[3] / "server" / "muster_server" / "store" / "migrations" / "versions"
    numbers = sorted(path.name[:4] for path in folder.glob("[0-9]*.py"))
    assert numbers[:-1] == VERSIONS, "the newest is not released yet, or has no database here"
