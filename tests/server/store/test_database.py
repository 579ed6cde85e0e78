"""The database: made once, checked when opened, durable, and the same schema by migration as in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import muster_server.store.migrations as migrations
from muster_server.store.database import Database, DatabaseError, Missing, NewerSchema, OlderSchema
from muster_server.store.schema import HEAD, metadata, moment_text
from muster_server.store.unusable import NotEmpty


@pytest.fixture
def database(address: Path | str) -> Iterator[Database]:
    """A new one, of both kinds."""
    made = Database.create(address)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    """A new one in SQLite."""
    made = Database.create(tmp_path / "muster.db")
    yield made
    made.close()


def test_the_migrations_make_exactly_the_schema_of_the_code(database: Database) -> None:
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert set(database.tables()) == {*metadata.tables, "alembic_version"}


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_database_is_its_owners_alone_and_never_overwritten(file: Database) -> None:
    assert Path(file.where).stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        Database.create(Path(file.where))


def test_a_database_of_postgresql_is_never_overwritten(cluster: Any) -> None:
    address = cluster.new_database()
    Database.create(address).close()
    with pytest.raises(NotEmpty):
        Database.create(address)


def test_a_commit_is_on_the_disk_before_anyone_is_told(file: Database) -> None:
    with file.write() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_failed_block_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO bodies VALUES ('x', 'y')")
        raise RuntimeError
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM bodies").scalar() == 0


def test_a_reader_sees_one_moment_while_others_write(database: Database) -> None:
    with database.read() as reader:
        count = "SELECT count(*) FROM bodies"
        assert reader.exec_driver_sql(count).scalar() == 0
        with database.write() as writer:
            writer.exec_driver_sql("INSERT INTO bodies VALUES ('x', 'y')")
        assert reader.exec_driver_sql(count).scalar() == 0


def test_what_cannot_be_opened_says_why(tmp_path: Path, database: Database) -> None:
    with pytest.raises(Missing):
        Database.open(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("this is not a database, whatever its name says" * 100)
    with pytest.raises(DatabaseError):
        Database.open(tmp_path / "text.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(DatabaseError):
        Database.open(tmp_path / "empty.db")


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_B82_a_schema_of_another_version_is_not_touched(address: Path | str, database: Database, version: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
    kind = OlderSchema if version == "0000" else NewerSchema
    with pytest.raises(kind, match=version):
        Database.open(address)


def test_moments_sort_as_text_and_need_a_zone() -> None:
    east = timezone(timedelta(hours=8))
    moments = [
        datetime(2026, 11, 24, 7, 59, 59, 999_999, east),
        datetime(2026, 11, 24, 0, 0, tzinfo=UTC),
        datetime(2026, 11, 24, 8, 0, 0, 1, east),
    ]
    texts = [moment_text(moment) for moment in moments]
    assert texts == sorted(texts)
    assert all(re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z", text) for text in texts)
    with pytest.raises(ValueError):
        moment_text(datetime(2026, 11, 24))
