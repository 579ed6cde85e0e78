"""Agent and server one minor version apart work together, both ways: nothing is lost, and what is new degrades."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("agent", ["old", "new"])
def test_enrol_report_offline_and_back(
    agent: str, old: Any, new: Any, office: Callable[[Any], Any], tmp_path: Path
) -> None:
    pc, server = (old, office(new)) if agent == "old" else (new, office(old))
    home = ["--home", str(tmp_path / "home")]
    done = pc.agent("enrol", server.url, *home, given=server.token())
    assert done.returncode == 0, done.stderr

    key = (tmp_path / "home" / "key.pem").read_bytes()
    scheduled = ["--scheduled"] if agent == "new" else []  # the packages of the old one do not say it
    for words in ([], scheduled):  # the second is of an unchanged PC
        done = pc.agent("run", *words, *home)
        assert done.returncode == 0, done.stdout + done.stderr
    assert server.sequence() == [1, 2]

    server.stop()
    assert pc.agent("run", *home).returncode == 3
    server.start()
    done = pc.agent("run", *home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.sequence() == [1, 2, 3, 4]
    assert (tmp_path / "home" / "key.pem").read_bytes() == key, "an old server has no /v1/keys, and that is no failure"

    said = pc.agent("status", *home)
    assert "number 4" in said.stdout, said.stdout + said.stderr
    assert list((tmp_path / "home" / "spool").iterdir()) == []
    assert list((tmp_path / "home" / "refused").iterdir()) == []


def test_an_agent_that_is_upgraded_and_taken_back_keeps_its_identity_and_its_reports(
    old: Any, new: Any, office: Callable[[Any], Any], tmp_path: Path
) -> None:
    server = office(new)
    home = ["--home", str(tmp_path / "home")]
    assert old.agent("enrol", server.url, *home, given=server.token()).returncode == 0
    server.stop()
    assert old.agent("run", *home).returncode == 3
    assert new.agent("run", *home).returncode == 3  # its spool is the old one's too
    assert new.agent("export", str(tmp_path / "stick.reports"), "--no-collect", *home).returncode == 0
    server.start()
    for version, expected in ((new, [1, 2, 3]), (old, [1, 2, 3, 4])):
        done = version.agent("run", *home)
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.sequence() == expected
