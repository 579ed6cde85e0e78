"""A deployment goes into a file and comes out of it, between both kinds of database; nothing is overwritten."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muster_server.backup import making, restoring, stamp
from muster_server.backup.archive import BadBackup
from muster_server.deployment import Deployment
from muster_server.evidence import database as evidence
from muster_server.store import audit, copying
from muster_server.store.reports import Outcome
from muster_server.store.schema import HEAD
from muster_server.store.unusable import DatabaseError, NewerSchema
from muster_server.words import Words

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def nobody(done: int, total: int) -> None:
    """Who is told how far a check is."""


def backup(filled: Any, path: Path) -> making.Made:
    """As the command does."""
    return making.make(filled.deployment.path, filled.deployment.database_address(), path, NOW)


def rows(deployment: Deployment) -> dict[str, list[tuple[Any, ...]]]:
    """All there is in a database, but for what a restore adds."""
    database = deployment.database()
    try:
        with database.read() as connection:
            names = copying.counts(connection)
            found = {name: connection.exec_driver_sql(f"SELECT * FROM {name}").fetchall() for name in names}
    finally:
        database.close()
    kept = {name: sorted((tuple(map(plain, row)) for row in some), key=repr) for name, some in found.items()}
    kept["audit"] = [row for row in kept["audit"] if restoring.ACT not in repr(row)]
    return kept


def plain(value: Any) -> Any:
    """A value as both kinds of database give it."""
    return bytes(value) if isinstance(value, memoryview) else int(value) if isinstance(value, bool) else value


@pytest.fixture
def made(filling: Any, tmp_path: Path, address: Path | str) -> Any:
    """A deployment on either kind of database, with everything in it that is hard to copy."""
    filled = filling.filled(tmp_path / "data", 3, 4, database=address if isinstance(address, str) else None)
    pc = filled.pcs[0]
    copy = filling.PC(pc.agent, pc.key, "copy", type(pc.last)(pc.last.seq - 1, "1" * 64, []))
    filled.take([copy.sign(filling.START)], filling.START + timedelta(days=5))
    (filled.deployment.policy_folder / "办公.yaml").write_text("policy: x", "utf-8")
    (tmp_path / "data" / "tls" / "former").mkdir(parents=True)
    (tmp_path / "data" / "tls" / "former" / "ca.pem").write_text("pem")
    with filled.database.write() as connection:
        first, second = (one.agent for one in filled.pcs[:2])
        connection.exec_driver_sql(f"UPDATE agents SET replaced_by = '{second}' WHERE id = '{first}'")
        connection.exec_driver_sql("UPDATE keys SET predecessor = 3 WHERE number = 2")
        connection.exec_driver_sql("UPDATE keys SET predecessor = NULL WHERE number = 2")
    yield filled
    filled.close()


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_a_backup_of_either_kind_becomes_either_kind(
    made: Any, into: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = backup(made, tmp_path / "b.tar")
    assert found.counts["reports"] == 12 and found.head.position == 12 and found.files == 4
    target = request.getfixturevalue("cluster").new_database() if into == "postgresql" else None
    done = restoring.restore(tmp_path / "b.tar", tmp_path / "new", target, nobody, "os:test", NOW)
    assert done.verified is not None and done.verified.findings.sound, done.verified.findings.wrong
    restored = Deployment(tmp_path / "new")
    assert rows(restored) == rows(made.deployment)
    assert restored.settings().database == target
    assert restored.key().public == made.key.public
    assert (tmp_path / "new" / "policies" / "办公.yaml").read_text("utf-8") == "policy: x"
    assert (tmp_path / "new" / "tls" / "former" / "ca.pem").is_file()
    assert (tmp_path / "new" / "muster.db").exists() is (target is None)
    database = restored.database()
    with database.read() as connection:
        last = list(audit.entries(connection))[-1]
        assert (last.entry.act, last.entry.operator, last.sound) == ("deployment.restore", "os:test", True)
        assert last.entry.detail["head"]["position"] == 12
    # It goes on: numbers that a database gives by itself do not collide with those that came with the backup.
    made.database.close()
    made.database, made.deployment = database, restored
    made.day(9)
    forged = type(made.pcs[0])(made.pcs[1].agent, made.pcs[1].key, "copy", type(made.pcs[1].last)(1, "2" * 64, []))
    assert made.take([forged.sign(NOW)], NOW)[0].outcome is Outcome.CONFLICT
    with database.read() as connection:
        assert evidence.verify(connection, noted=found.head).findings.sound
    assert all(path.stat().st_mode & 0o077 == 0 for path in [tmp_path / "new", *(tmp_path / "new").rglob("*")])


def test_a_backup_is_its_owners_alone_and_never_overwritten(filling: Any, tmp_path: Path) -> None:
    filled = filling.filled(tmp_path / "data", 1, 1)
    path = tmp_path / "b.tar"
    made = backup(filled, path)
    assert path.stat().st_mode & 0o777 == 0o600
    last = stamp.last(tmp_path / "data")
    assert last is not None and (last.at, last.head) == (NOW, str(made.head))
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        backup(filled, path)
    filled.close()
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b.tar", "data"], "nothing else is left"


def test_a_backup_under_writes_is_of_one_moment(filling: Any, tmp_path: Path) -> None:
    filled = filling.filled(tmp_path / "data", 5, 2)
    stop = threading.Event()

    def write() -> None:
        number = 2
        while not stop.is_set() and number < 500:
            filled.day(number, 1)
            number += 1

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for number in range(5):
            backup(filled, tmp_path / f"{number}.tar")
    finally:
        stop.set()
        writing.join()
    filled.close()
    for number in range(5):
        done = restoring.check(tmp_path / f"{number}.tar", nobody)
        assert done.verified is not None and done.verified.findings.sound


def test_a_restore_takes_no_place_that_is_taken(filling: Any, tmp_path: Path, cluster: Any) -> None:
    filled = filling.filled(tmp_path / "data", 1, 1)
    backup(filled, tmp_path / "b.tar")
    filled.close()
    with pytest.raises(restoring.Occupied):
        restoring.restore(tmp_path / "b.tar", tmp_path / "data", None, None, "os:test", NOW)
    taken = cluster.new_database()
    restoring.restore(tmp_path / "b.tar", tmp_path / "first", taken, None, "os:test", NOW)
    with pytest.raises(restoring.Occupied):
        restoring.restore(tmp_path / "b.tar", tmp_path / "second", taken, None, "os:test", NOW)
    assert not (tmp_path / "second").exists()
    (tmp_path / "empty").mkdir()
    restoring.restore(tmp_path / "b.tar", tmp_path / "empty", None, None, "os:test", NOW)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b.tar", "data", "empty", "first"]


def repacked(path: Path, out: Path, change: Any) -> Path:
    """A backup whose database somebody has changed, with digests that are right."""
    folder = out.with_suffix(".data")
    restoring.restore(path, folder, None, None, "os:test", NOW)
    change(folder / "muster.db")
    making.make(folder, folder / "muster.db", out, NOW)
    shutil.rmtree(folder)
    return out


def test_a_backup_whose_reports_were_changed_is_not_restored(filling: Any, tmp_path: Path) -> None:
    filled = filling.filled(tmp_path / "data", 1, 3)
    backup(filled, tmp_path / "b.tar")
    filled.close()

    def change(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM reports WHERE position = 2")
        connection.close()

    path = repacked(tmp_path / "b.tar", tmp_path / "changed.tar", change)
    assert not restoring.check(path, nobody).verified.findings.sound  # type: ignore[union-attr]
    done = restoring.restore(path, tmp_path / "new", None, nobody, "os:test", NOW)
    assert not done.verified.findings.sound and not (tmp_path / "new").exists()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER evil AFTER INSERT ON tokens BEGIN UPDATE readers SET role = 'administrator', unit = NULL; END",
        "DROP TRIGGER audit_stays",
        "CREATE VIEW more AS SELECT 1",
        "DROP INDEX ix_agents_uuid",
    ],
)
def test_a_backup_that_is_built_otherwise_than_musters_own_is_refused(
    statement: str, filling: Any, tmp_path: Path
) -> None:
    filled = filling.filled(tmp_path / "data", 1, 1)
    backup(filled, tmp_path / "b.tar")
    filled.close()

    def change(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute(statement)
        connection.close()

    path = repacked(tmp_path / "b.tar", tmp_path / "changed.tar", change)
    with pytest.raises(BadBackup) as refused:
        restoring.check(path, nobody)
    assert refused.value.code == "structure"


def test_B82_a_newer_schema_is_refused_and_a_damaged_page_is_found(filling: Any, tmp_path: Path) -> None:
    filled = filling.filled(tmp_path / "data", 1, 30)
    path = tmp_path / "data" / "muster.db"
    backup(filled, tmp_path / "b.tar")
    filled.close()
    copying.settle(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    making.make(tmp_path / "data", path, tmp_path / "newer.tar", NOW)
    with pytest.raises(NewerSchema):
        restoring.check(tmp_path / "newer.tar", nobody)
    data = bytearray(path.read_bytes())
    for place in range(8192, len(data), 4096):  # the beginning of each page but the first two
        data[place : place + 16] = b"\xff" * 16
    path.write_bytes(data)
    with pytest.raises(DatabaseError):
        making.make(tmp_path / "data", path, tmp_path / "damaged.tar", NOW)
    assert not (tmp_path / "damaged.tar").exists()


def test_one_flipped_bit_anywhere_in_a_backup_is_found(filling: Any, tmp_path: Path) -> None:
    filled = filling.filled(tmp_path / "data", 1, 2)
    backup(filled, tmp_path / "b.tar")
    filled.close()
    data = bytearray((tmp_path / "b.tar").read_bytes())
    for place in range(700, len(data) - 1024, len(data) // 23):
        changed = bytearray(data)
        changed[place] ^= 4
        (tmp_path / "x.tar").write_bytes(changed)
        try:
            found = restoring.check(tmp_path / "x.tar", nobody)
        except (BadBackup, DatabaseError):
            continue
        # Only what is between the members, or in the manifest's own words, can be another without being missed.
        assert found.verified is not None and found.verified.findings.sound


def test_a_backup_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    fixture = Path(__file__).parents[1] / "store" / "schemas" / "0001.db.gz"
    (old / "muster.db").write_bytes(gzip.decompress(fixture.read_bytes()))
    new = Deployment.create(tmp_path / "new", "x", Words("en"))
    for name in ("muster.yaml", "server-key.pem"):
        shutil.copy(new.path / name, old / name)
    made = making.make(old, old / "muster.db", tmp_path / "old.tar", NOW)
    assert made.schema == "0001" and made.audit is None and made.head.position == made.counts["reports"]
    done = restoring.restore(tmp_path / "old.tar", tmp_path / "restored", None, None, "os:test", NOW)
    assert done.migrated
    database = Deployment(tmp_path / "restored").database()
    assert database.version() == HEAD
    database.close()
