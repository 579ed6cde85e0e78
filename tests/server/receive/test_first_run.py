"""A PC that IT gave settings and a token: it enrols itself, once, and follows its settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from muster_agent.cli import main
from muster_agent.sending import notice
from muster_agent.sending.home import Home


class Laid:
    """A folder into which a package has laid down settings and a token."""

    def __init__(self, path: Path, server: Any) -> None:
        self.home = Home(str(path))
        self.settings = {"server": server.url, "unit": "信息科", "ca": None, "server_key": server.key.public.hex()}
        self.lay(server.token())

    def lay(self, token: str, **change: Any) -> None:
        """Lay down the files of another package."""
        self.settings.update(change)
        (self.home.path / "agent.conf").write_text(json.dumps(self.settings))
        (self.home.path / "token").write_text(token + "\n")

    @property
    def token(self) -> str:
        """What is left of the token."""
        return (self.home.path / "token").read_text()

    def run(self) -> int:
        """The exit code of one run."""
        return main(["run", "--home", str(self.home.path), "--lang", "en"])

    def agent(self) -> str:
        """Who the PC is."""
        made = self.home.enrolment()
        assert made is not None
        return made.agent

    def code(self) -> str | None:
        """What went wrong by the notice of the last run."""
        found = notice.read(str(self.home.path))
        assert found is not None
        return found.code


@pytest.fixture
def laid(server: Any, tmp_path: Path) -> Laid:
    """A PC before its first run."""
    return Laid(tmp_path / "laid", server)


def test_the_first_run_enrols_and_reports_and_the_token_is_gone(
    laid: Laid, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert laid.run() == 0
    said = capsys.readouterr().out
    assert "unit: 信息科" in said and "delivered 1 report(s)" in said
    assert laid.token == ""
    assert server.ask("SELECT unit, last_seq FROM agents") == [("信息科", 1)]
    assert laid.run() == 0
    assert server.ask("SELECT unit, last_seq FROM agents") == [("信息科", 2)]


def test_enrol_without_an_address_takes_the_settings(laid: Laid, server: Any) -> None:
    assert main(["enrol", "--home", str(laid.home.path)]) == 0
    assert laid.token == ""
    assert server.ask("SELECT count(*) FROM agents") == [(1,)]


def test_enrol_without_address_and_settings_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enrol", "--home", str(tmp_path / "bare"), "--lang", "en"]) == 2
    assert "muster-agent enrol SERVER" in capsys.readouterr().err


def test_a_token_that_does_not_serve_is_said_at_every_run_and_kept(
    laid: Laid, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    laid.lay("expired")
    for _ in range(2):
        assert laid.run() == 5
        assert "wrong, expired or used up" in capsys.readouterr().err
    assert (laid.code(), laid.token) == ("bad_token", "expired\n")
    laid.lay(server.token())
    assert (laid.run(), laid.code()) == (0, None)


def test_a_server_that_is_away_at_the_first_run_is_tried_again(laid: Laid, server: Any) -> None:
    address = laid.settings["server"]
    laid.lay(laid.token.strip(), server="http://127.0.0.1:9")
    assert (laid.run(), laid.code()) == (3, "unreachable")
    assert laid.token
    laid.lay(laid.token.strip(), server=address)
    assert laid.run() == 0


def test_a_token_of_another_unit_counts_and_is_told(
    laid: Laid, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    laid.lay(server.token("财务科"))
    assert laid.run() == 0
    assert "bound to the unit 财务科, the settings say 信息科" in capsys.readouterr().out


def test_a_newer_package_keeps_the_identity_and_its_token_is_not_used_up(laid: Laid, server: Any) -> None:
    assert laid.run() == 0
    pc = laid.agent()
    laid.lay(server.token())
    assert laid.run() == 0
    assert (laid.agent(), laid.token) == (pc, "")
    assert server.ask("SELECT sum(uses_left) FROM tokens") == [(1,)]


def test_a_pc_follows_its_settings_to_another_address_of_the_server(laid: Laid, server: Any) -> None:
    assert laid.run() == 0
    laid.lay("", server=server.url.replace("127.0.0.1", "localhost"))
    assert laid.run() == 0
    assert server.ask("SELECT last_seq FROM agents") == [(2,)]
    made = laid.home.enrolment()
    assert made is not None and made.server == server.url, "who it is does not change"


def test_the_settings_of_another_server_give_a_new_identity_and_only_with_a_token(
    laid: Laid, start: Any, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert laid.run() == 0
    former = laid.agent()
    # The trial's server is given up: the office's own has another key.
    path = laid.home.path / "enrolment.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "server_key": "cd" * 32}))
    laid.lay("")
    assert laid.run() == 5
    assert "its key differs" in capsys.readouterr().err
    laid.lay(server.token())
    assert laid.run() == 0
    assert laid.agent() != former
    assert (laid.home.path / "former-1" / "key.pem").exists()


def test_a_server_that_is_not_the_one_of_the_settings_gets_no_report(laid: Laid, server: Any) -> None:
    laid.lay(laid.token.strip(), server_key="cd" * 32)
    assert (laid.run(), laid.code()) == (5, "other_server")
    assert laid.home.enrolment() is None
    assert server.ask("SELECT count(*) FROM reports") == [(0,)]


def test_a_lost_state_is_healed_by_the_token_of_a_new_package(laid: Laid, server: Any) -> None:
    assert laid.run() == 0
    pc = laid.agent()
    (laid.home.path / "state.json").unlink()
    assert (laid.run(), laid.code()) == (5, "state_lost")
    laid.lay(server.token())
    assert laid.run() == 0
    assert laid.agent() == pc
    assert server.ask("SELECT seq FROM reports ORDER BY position") == [(1,), (2,)]


@pytest.mark.parametrize("typed", ["http://muster.example:8470", "muster.example", "https://x/y?z", "ftp://x"])
def test_an_address_that_may_not_be_spoken_to_is_a_clear_line(
    laid: Laid, typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    laid.lay(laid.token.strip(), server=typed)
    assert laid.run() == 5
    assert "Traceback" not in capsys.readouterr().err
    assert laid.code() in ("bad_address", "not_encrypted")
    assert laid.token
