"""muster access as a person types it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muster_server.deployment import Deployment
from muster_server.words import Words


@pytest.fixture
def access(data: Path, in_process: Callable[..., Any]) -> Callable[..., Any]:
    """Types `muster access …`."""
    Deployment.create(data, "Bureau", Words("en"))

    def run(*words: str | Path, code: int = 0) -> Any:
        done = in_process("--data", data, "access", *words)
        assert done.code == code, (done.out, done.err)
        return done

    return run


def test_a_credential_is_shown_once_and_listed_without(access: Callable[..., Any]) -> None:
    assert "no credential" in access("list").out
    done = access("add", "ann", "--role", "viewer", "--unit", "IT", "--days", "30")
    assert re.fullmatch(r"mra_[\w-]{43}\n", done.out)
    assert "ann: viewer (IT), valid 30 day(s)" in done.err
    said = access("list").out
    assert "ann" in said and "viewer" in said and done.out.strip() not in said
    [one] = json.loads(access("list", "--json").out)["access"]
    assert (one["name"], one["role"], one["unit"], one["state"]) == ("ann", "viewer", "IT", "valid")
    access("revoke", "ann")
    assert json.loads(access("list", "--json").out)["access"][0]["state"] == "revoked"
    access("add", "ann", "--role", "auditor")


def test_a_credential_in_a_file_is_its_owners_alone(access: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "ann"
    assert access("add", "ann", "--role", "auditor", "--output", path).out == ""
    assert path.stat().st_mode & 0o777 == 0o600
    access("add", "bob", "--role", "auditor", "--output", path, code=2)
    assert len(json.loads(access("list", "--json").out)["access"]) == 1


def test_who_takes_away_the_last_administrator_is_told(access: Callable[..., Any]) -> None:
    access("add", "a", "--role", "administrator")
    access("add", "b", "--role", "administrator")
    assert access("revoke", "a").err == ""
    assert "only somebody at the server" in access("revoke", "b").err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "ann", "--role", "viewer"), 2),
        (("add", "ann", "--role", "auditor", "--unit", "IT"), 2),
        (("add", "ann", "--role", "root"), 2),
        (("add", "ann"), 2),
        (("add", " ", "--role", "auditor"), 2),
        (("add", "a\x1b[2J", "--role", "auditor"), 2),
        (("add", "ann", "--role", "auditor", "--days", "0"), 2),
        (("revoke", "nobody"), 5),
        (("revoke",), 2),
    ],
)
def test_what_is_wrong_is_a_clear_line(access: Callable[..., Any], words: tuple[str, ...], code: int) -> None:
    done = access(*words, code=code)
    assert done.err and "Traceback" not in done.err and "\x1b" not in done.err
    assert json.loads(access("list", "--json").out)["access"] == []
