"""muster token as a person types it."""

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
def token(data: Path, in_process: Callable[..., Any]) -> Callable[..., Any]:
    """Types `muster token …`."""
    Deployment.create(data, "Bureau", Words("en"))

    def run(*words: str | Path, code: int = 0) -> Any:
        done = in_process("--data", data, "token", *words)
        assert done.code == code, (done.out, done.err)
        return done

    return run


def test_it_issues_with_and_without_the_word(token: Callable[..., Any]) -> None:
    for words in (("--unit", "IT"), ("issue", "--unit", "IT")):
        done = token(*words)
        assert re.fullmatch(r"[\w-]{43}\n", done.out)
        assert re.search(r"token [0-9a-f]{12} for IT: 1 PC\(s\), valid 1 day", done.err)
    assert "muster agents approve --token" in token("--unit", "IT", "--uses", "300", "--needs-approval").err


def test_it_is_listed_until_it_has_ended_and_never_shown_again(token: Callable[..., Any]) -> None:
    assert "No token" in token("list").out
    secret = token("--unit", "IT", "--uses", "3", "--serial", "PF12AB").out.strip()
    said = token("list").out
    assert "3/3" in said and "serial PF12AB" in said and secret not in said
    [one] = json.loads(token("list", "--json").out)["tokens"]
    assert (one["state"], one["uses_left"], one["unit"], one["needs_approval"]) == ("valid", 3, "IT", False)
    assert secret not in json.dumps(one)
    assert one["id"] in token("revoke", one["id"][:5].upper()).out
    assert "1 more have ended" in token("list").out
    assert "revoked" in token("list", "--all").out
    assert "revoked already" in token("revoke", one["id"], code=5).err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--unit", "IT", "--for", "PC-1"),
        ("--for", "PC-1", "--uses", "2"),
        ("--for", "PC-1", "--needs-approval"),
        ("--unit", "a\nb"),
        ("--unit", "IT", "--serial", "Default string"),
        ("--unit", "IT", "list"),
        ("--days", "3", "revoke", "abcd"),
        ("revoke", "xyz!"),
        ("revoke", "ab"),
        ("revoke",),
        ("nonsense",),
    ],
)
def test_what_was_typed_wrong_is_a_clear_line(token: Callable[..., Any], words: tuple[str, ...]) -> None:
    done = token(*words, code=2)
    assert done.err and "Traceback" not in done.err and len(done.err.splitlines()) <= 4
    assert json.loads(token("list", "--all", "--json").out)["tokens"] == []


def test_a_pc_or_a_token_that_is_not_there_is_a_clear_line(token: Callable[..., Any]) -> None:
    assert "no PC of the name" in token("--for", "PC-9", code=5).err
    assert "no token" in token("revoke", "abcdef", code=5).err


def test_a_token_that_was_refused_leaves_no_file(token: Callable[..., Any], tmp_path: Path) -> None:
    token("--for", "PC-9", "--output", tmp_path / "t", code=5)
    assert not (tmp_path / "t").exists()
    token("--unit", "IT", "--output", tmp_path / "t")
    assert (tmp_path / "t").stat().st_mode & 0o777 == 0o600
    assert "exists" in token("--unit", "IT", "--output", tmp_path / "t", code=2).err
    assert len(json.loads(token("list", "--json").out)["tokens"]) == 1
