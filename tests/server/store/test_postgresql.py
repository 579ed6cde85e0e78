"""What can be wrong with a PostgreSQL: each in one line that says it, and none that says a password."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from muster_server.store import postgresql
from muster_server.store.database import Database, DatabaseError, Missing, named
from muster_server.store.schema import boots
from muster_server.store.unusable import (
    NotEmpty,
    NotLetIn,
    Standby,
    TooOld,
    Unreachable,
    WrongEncoding,
)
from muster_server.words import Words

SECRET = "Tr0ub4dor"
DEBIAN = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))]


def problem(address: str) -> DatabaseError:
    """What is said of an address, in both languages, in one line each and without the password."""
    with pytest.raises(DatabaseError) as caught:
        Database.open(address)
    for lang in ("zh", "en"):
        line = Words(lang)(caught.value.code, detail=caught.value.detail)
        assert "\n" not in line and SECRET not in line
    return caught.value


def with_passwords(cluster: Any) -> None:
    """Let one user in by password alone."""
    rules = Path(cluster.data) / "pg_hba.conf"
    if "guarded" not in rules.read_text():
        rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
        cluster.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}!'")
        cluster.execute("SELECT pg_reload_conf()")


def test_an_address_where_nothing_answers(tmp_path: Path) -> None:
    assert type(problem(f"postgresql://me@/x?host={tmp_path}")) is Unreachable
    assert type(problem("postgresql://me:" + SECRET + "@127.0.0.1:1/x?connect_timeout=2")) is Unreachable


def test_a_wrong_password_and_none_at_all(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_passwords(cluster)
    address = cluster.new_database()
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    named_in = address.replace("postgres@", f"guarded:{SECRET}@")
    assert type(problem(named_in)) is NotLetIn
    assert type(problem(address.replace("postgres@", "guarded@"))) is NotLetIn
    assert type(problem(address.replace("postgres@", "guarded@") + f"&password={SECRET}")) is NotLetIn
    monkeypatch.setenv("PGPASSWORD", SECRET)
    assert type(problem(address.replace("postgres@", "guarded@"))) is NotLetIn


def test_a_password_file_lets_in(cluster: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_passwords(cluster)
    address = cluster.new_database("OWNER guarded").replace("postgres@", "guarded@")
    (tmp_path / "pass").touch(0o600)
    (tmp_path / "pass").write_text(f"*:*:*:guarded:{SECRET}!\n")
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pass"))
    Database.create(address).close()
    Database.open(address).close()


def test_a_database_or_a_user_that_is_not_there(cluster: Any) -> None:
    assert type(problem(cluster.address("nowhere"))) is NotLetIn
    assert type(problem(cluster.address(user="nobody_here"))) is NotLetIn


def test_a_user_who_may_not_make_tables(cluster: Any) -> None:
    address = cluster.new_database()
    if not cluster.execute("SELECT 1 FROM pg_roles WHERE rolname = 'guest'"):
        cluster.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(NotLetIn):
        Database.create(address.replace("postgres@", "guest@"))


def test_an_empty_database_and_one_that_is_used(cluster: Any) -> None:
    address = cluster.new_database()
    assert type(problem(address)) is Missing
    cluster.execute("CREATE TABLE another (x int)", address.split("/")[3].split("?")[0])
    with pytest.raises(NotEmpty):
        Database.create(address)


def test_a_database_that_cannot_hold_every_text(cluster: Any) -> None:
    address = cluster.new_database("ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    assert type(problem(address)) is WrongEncoding


def test_a_server_that_is_too_old(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "OLDEST", 990000)
    assert type(problem(cluster.new_database())) is TooOld


def test_an_address_that_is_none_is_not_repeated() -> None:
    for address in (f"postgresql://me:{SECRET}@[::1", f"postgresql://me:{SECRET}@host:port/x"):
        with pytest.raises(DatabaseError) as caught:
            Database.at(address)
        assert SECRET not in str(caught.value)


def test_a_password_is_never_shown() -> None:
    shown = postgresql.shown(f"postgresql://me:{SECRET}@host/x?password={SECRET}&sslmode=require")
    assert shown == "postgresql://me:***@host/x?sslmode=require"
    assert postgresql.has_password(f"postgresql://me:{SECRET}@host/x")
    assert postgresql.has_password(f"postgresql://me@host/x?password={SECRET}")
    assert not postgresql.has_password("postgresql:///x?service=muster")


def test_a_server_that_was_switched_to_read_only_is_left_and_found_again(clusters: Any) -> None:
    with clusters.cluster(settings=("fsync=off",)) as server:
        address = server.new_database()
        database = Database.create(address)
        with database.read() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        server.read_only(True)
        kinds = []
        for _ in range(2):  # by the connection there was, and by a new one
            with pytest.raises(DBAPIError) as caught, database.write() as connection:
                connection.execute(insert(boots).values(number=1, id="x"))
            kinds.append(type(named(caught.value)))
        assert kinds == [Standby, Standby]
        assert type(problem(address)) is Standby
        server.read_only(False)
        with database.write() as connection:
            connection.execute(insert(boots).values(number=1, id="x"))
        server.stop("immediate")
        with pytest.raises(DBAPIError) as caught, database.read() as connection:
            connection.execute(select(boots))
        assert type(named(caught.value)) is Unreachable
        server.start()
        with database.read() as connection:
            assert connection.execute(select(boots.c.id)).all() == [("x",)]
        database.close()


def test_a_commit_is_on_the_disk_whatever_the_server_was_set_to(cluster: Any) -> None:
    address = cluster.new_database()
    name = address.split("/")[3].split("?")[0]
    cluster.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    cluster.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    database = Database.create(address)
    with database.write() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
        assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"
    with database.read() as connection:
        assert postgresql.not_durable(connection) == ["fsync = off"]  # as the tests' own server is started
        with pytest.raises(DBAPIError, match="read-only"):
            connection.execute(insert(boots).values(number=1, id="x"))
    database.close()


def test_text_sorts_by_its_code_points_whatever_the_language_of_the_database(cluster: Any) -> None:
    address = cluster.new_database()
    database = Database.create(address)
    with database.read() as connection:
        columns = (
            "SELECT table_name, column_name, collation_name FROM information_schema.columns WHERE data_type = 'text'"
        )
        found = {(row[0], row[1]): row[2] for row in connection.execute(text(columns + " AND table_schema = 'public'"))}
    assert found[("agents", "name")] == "C" and set(found.values()) == {"C"}
    database.close()


@pytest.mark.parametrize("programs", DEBIAN[-1:] or [None])
def test_names_come_in_one_order_from_a_chinese_database(clusters: Any, programs: Path | None) -> None:
    chinese = "LOCALE_PROVIDER icu ICU_LOCALE 'zh-CN' TEMPLATE template0" if programs else ""  # pip's knows none
    names = ["b", "A", "a", "B", "科", "丙", "甲", "é", "Z", "_", "1"]
    with clusters.cluster(programs, settings=("fsync=off",)) as server:
        database = Database.create(server.new_database(chinese))
        with database.write() as connection:
            connection.execute(insert(boots), [{"number": n, "id": name} for n, name in enumerate(names)])
        with database.read() as connection:
            assert list(connection.scalars(select(boots.c.id).order_by(boots.c.id))) == sorted(names)
        database.close()


@pytest.mark.parametrize("hostile", ["a\0b", "\ud800"])
def test_B15_what_one_database_cannot_hold_both_refuse(address: Path | str, hostile: str) -> None:
    database = Database.create(address)
    with pytest.raises((StatementError, UnicodeError)), database.write() as connection:
        connection.execute(insert(boots).values(number=1, id=hostile))
    with database.read() as connection:
        assert connection.execute(select(boots)).all() == []
    database.close()


def test_only_one_process_does_what_one_is_to_do(address: Path | str) -> None:
    first = Database.create(address)
    second = Database.open(address)
    with first.once("judging") as mine, second.once("judging") as theirs, second.once("closing") as other:
        assert (mine, theirs, other) == (True, False, True)
    with second.once("judging") as mine:
        assert mine
    first.close()
    second.close()
