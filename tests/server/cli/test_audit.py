"""muster audit as a person types it: what is shown, and every way to tamper with the log is told."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muster_server.deployment import Deployment
from muster_server.words import Words


@pytest.fixture
def audit(data: Path, in_process: Callable[..., Any]) -> Callable[..., Any]:
    """Types `muster audit …` in an office with seven entries in the log."""
    Deployment.create(data, "Bureau", Words("en"))
    for n in range(6):
        assert in_process("--data", data, "token", "--unit", f"unit {n}").code == 0
    assert in_process("--data", data, "access", "add", "ann", "--role", "auditor").code == 0

    def run(*words: str | Path, code: int = 0) -> Any:
        done = in_process("--data", data, "audit", *words)
        assert done.code == code, (done.out, done.err)
        assert "Traceback" not in done.err
        return done

    return run


def head(said: str) -> str:
    """The head that is to be noted."""
    return re.findall("[0-9a-f]{64}", said)[-1]


def tamper(data: Path, *statements: str) -> None:
    """What somebody with the file can do: the triggers are theirs to drop."""
    connection = sqlite3.connect(data / "muster.db")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_it_shows_who_did_what(audit: Callable[..., Any]) -> None:
    said = audit("show").out
    assert said.count("tokens.issue") == 6 and "readers.add" in said and "os:" in said
    plain = json.loads(audit("show", "--json").out)
    assert [one["position"] for one in plain["entries"]] == list(range(1, 8))
    assert all(one["sound"] for one in plain["entries"])
    assert audit("show", "--act", "readers").out.count("ann") == 1
    assert "no such entry" in audit("show", "--act", "reader").out
    assert "latest 2 of 6" in audit("show", "--act", "tokens.issue", "--limit", "2").out
    assert "no such entry" in audit("show", "--since", "2999-01-01").out
    assert len(json.loads(audit("show", "--since", "2020-01-01", "--json").out)["entries"]) == 7
    for day in ("2026-13-01", "yesterday", "2026-1-1", "٢٠٢٦-01-01", "0001-01-01x"):
        audit("show", "--since", day, code=2)


def test_a_whole_log_is_told_so_with_the_head_to_note(audit: Callable[..., Any]) -> None:
    said = audit("verify").out
    assert "whole: 7 entries" in said
    assert "entry 7, and still there" in audit("verify", "--head", head(said).upper()).out


def test_a_head_noted_earlier_is_found_later(audit: Callable[..., Any], data: Path, in_process: Any) -> None:
    noted = head(audit("verify").out)
    in_process("--data", data, "token", "--unit", "later")
    said = audit("verify", "--head", noted).out
    assert "whole: 8 entries" in said and "entry 7, and still there" in said


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("DELETE FROM audit WHERE position = 3", 4),
        ("DELETE FROM audit WHERE position = 1", 2),
        ("UPDATE audit SET entry = replace(entry, 'unit 2', 'unit 9') WHERE position = 3", 3),
        ("UPDATE audit SET entry = x'00' WHERE position = 4", 4),
        ("UPDATE audit SET entry = CAST('{\"at\":1}' AS BLOB) WHERE position = 4", 4),
        ("UPDATE audit SET chain = '链' WHERE position = 4", 4),
        ("UPDATE audit SET chain = (SELECT chain FROM audit WHERE position = 2) WHERE position = 5", 5),
        ("UPDATE audit SET position = 70 WHERE position = 7", 70),
        ("INSERT INTO audit SELECT 8, entry, chain FROM audit WHERE position = 7", 8),
    ],
)
def test_the_first_entry_that_does_not_follow_is_named(
    audit: Callable[..., Any], data: Path, statement: str, position: int
) -> None:
    tamper(data, statement)
    assert f"broken at entry {position}:" in audit("verify", code=5).err
    plain = json.loads(audit("show", "--json").out)
    assert next(one["position"] for one in plain["entries"] if not one["sound"]) == position
    assert f"! {position}" in audit("show").out, "nothing is hidden, and what is wrong is marked"


def test_two_entries_that_changed_places_are_noticed(audit: Callable[..., Any], data: Path) -> None:
    tamper(
        data,
        "UPDATE audit SET position = 99 WHERE position = 2",
        "UPDATE audit SET position = 2 WHERE position = 3",
        "UPDATE audit SET position = 3 WHERE position = 99",
    )
    assert "broken at entry 2:" in audit("verify", code=5).err


def test_an_end_that_was_cut_off_is_noticed_by_the_head_that_was_noted(audit: Callable[..., Any], data: Path) -> None:
    noted = head(audit("verify").out)
    tamper(data, "DELETE FROM audit WHERE position > 5")
    assert "whole: 5 entries" in audit("verify").out
    assert "not in it" in audit("verify", "--head", noted, code=5).err


def test_a_log_that_was_replaced_as_a_whole_is_noticed_too(
    audit: Callable[..., Any], data: Path, in_process: Any
) -> None:
    noted = head(audit("verify").out)
    tamper(data, "DELETE FROM audit")
    for _ in range(7):
        in_process("--data", data, "token", "--unit", "other")
    assert "whole: 7 entries" in audit("verify").out
    audit("verify", "--head", noted, code=5)


@pytest.mark.parametrize("wrong", ["", "x", "ab" * 31, "zz" * 32, "0x" + "a" * 62])
def test_a_head_that_is_none_is_a_usage_error(audit: Callable[..., Any], wrong: str) -> None:
    audit("verify", "--head", wrong, code=2)


def test_the_database_itself_refuses_to_change_the_log(audit: Callable[..., Any], data: Path) -> None:
    connection = sqlite3.connect(data / "muster.db")
    for statement in ("DELETE FROM audit", "UPDATE audit SET chain = 'x'"):
        with pytest.raises(sqlite3.DatabaseError):
            connection.execute(statement)
    connection.close()


def test_the_filter_hides_nothing_that_is_damaged(audit: Callable[..., Any], data: Path) -> None:
    tamper(data, "UPDATE audit SET entry = x'00' WHERE position = 4")
    assert "! 4" in audit("show", "--act", "readers.add").out
