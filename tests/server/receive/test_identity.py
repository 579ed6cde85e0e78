"""Who a PC is: tokens under fire, a disk made anew, copies of a disk, and PCs that await approval."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from muster_agent.cli import main
from muster_agent.commands.enrol import enrol
from muster_agent.commands.failure import Failure
from muster_agent.commands.run import run
from muster_agent.local import LocalMachine
from muster_agent.sending import fingerprint, notice
from muster_agent.sending.home import Home
from muster_agent.sending.keys import SigningKey
from muster_agent.words import Words
from muster_server.acts.performing import perform

WORDS = Words("en")


def do(server: Any, act: str, **asked: Any) -> dict[str, Any]:
    """An administrator's act."""
    with server.database.write() as connection:
        return perform(connection, act, asked, "os:test", datetime.now(UTC))


def typed(*words: str | Path) -> int:
    """The exit code of muster-agent."""
    return main([*map(str, words), "--lang", "en"])


def token_file(server: Any, name: str = "token", **terms: Any) -> Path:
    """A file with a token of these terms."""
    path: Path = server.folder / name
    path.write_text(do(server, "tokens.issue", **terms)["token"])
    return path


# -- tokens (scorecard 7) ----------------------------------------------------------------------------------------------


def test_L10_of_fifty_that_try_a_token_at_once_exactly_one_gets_in(server: Any) -> None:
    issued = do(server, "tokens.issue", unit="IT")
    won: list[str] = []
    lost: list[str] = []
    ready = threading.Barrier(50)

    def attempt(number: int) -> None:
        home = Home(str(server.folder / f"pc{number}"))
        SigningKey.generate().save(str(home.key))
        ready.wait(30)
        try:
            won.append(enrol(home, server.url, issued["token"], None, LocalMachine()).agent)
        except Failure as failure:
            lost.append(failure.code)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(won), lost) == (1, ["bad_token"] * 49)
    assert server.ask("SELECT count(*) FROM agents") == [(1,)]
    assert server.ask("SELECT uses_left FROM tokens") == [(0,)]


def test_a_revoked_token_lets_nobody_in(server: Any) -> None:
    issued = do(server, "tokens.issue", unit="IT", uses=5)
    do(server, "tokens.revoke", token=issued["id"])
    with pytest.raises(Failure, match="bad_token"):
        enrol(Home(str(server.folder / "pc")), server.url, issued["token"], None, LocalMachine())
    assert server.ask("SELECT count(*) FROM agents") == [(0,)]


def test_a_token_in_the_address_is_not_looked_at(server: Any) -> None:
    from muster_agent.sending.http import post

    token = do(server, "tokens.issue", unit="IT")["token"]
    for path in (f"/v1/enrol?token={token}", f"/v1/enrol?access_token={token}", f"/v1/enrol/{token}"):
        assert post(server.url, path, b"{}", {}).status in (400, 401, 404)
    assert server.ask("SELECT uses_left FROM tokens") == [(1,)]


# -- revocation ----------------------------------------------------------------------------------------------------


def test_a_revocation_holds_from_the_next_request_on_and_can_be_taken_back(server: Any) -> None:
    pc = server.pc()
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    do(server, "agents.revoke", pc=pc.enrolment.agent, reason="scrapped")
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 5
    assert server.ask("SELECT count(*) FROM reports") == [(1,)]
    do(server, "agents.restore", pc=pc.enrolment.agent)
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    assert server.ask("SELECT seq FROM reports ORDER BY position") == [(1,), (2,), (3,)]


# -- a disk made anew ------------------------------------------------------------------------------------------------


def test_a_pc_whose_disk_was_made_anew_goes_on_as_itself(server: Any) -> None:
    pc = server.pc()
    for major in (11, 12):
        assert run(pc.home, pc.enrolment, pc.tables(major), WORDS) == 0
    old = pc.sign(last=pc.home.state())
    bare = Home(str(server.folder / "bare"))
    token = token_file(server, pc=pc.enrolment.agent[:8])
    assert typed("enrol", server.url, "--token-file", token, "--home", bare.path) == 0
    again = bare.enrolment()
    assert again == pc.enrolment
    assert run(bare, again, pc.tables(13), WORDS) == 0
    assert server.ask("SELECT count(*), max(last_seq) FROM agents") == [(1, 3)]
    assert server.ask("SELECT conflict_at FROM agents") == [(None,)]
    chain = [(stored.envelope.seq, stored.envelope.previous) for stored in server.stored()]
    digests = [stored.envelope.digest for stored in server.stored()]
    assert chain == [(1, "0" * 64), (2, digests[0]), (3, digests[1])]
    assert pc.post(old).status == 403, "the old key has ended"


def test_findings_keep_the_day_they_were_first_seen(server: Any) -> None:
    from muster_agent.facts import Antivirus, Table
    from muster_server.assessment import Assessor, sweep
    from muster_server.feeds import os_support
    from muster_server.judge.policies import load_policies
    from muster_server.resources import bundled

    assessor = Assessor(load_policies(bundled("policies")), os_support.load(None))

    def look() -> Any:
        sweep(server.database, assessor, lambda job: server_write(server, job))
        return server.ask("SELECT pc, rule, first_seen, opened FROM findings WHERE closed IS NULL ORDER BY rule")

    pc = server.pc()
    bad = {**pc.tables(), "antivirus": Table((Antivirus(name="ClamAV", type="av", running=False, realtime=False),))}
    assert run(pc.home, pc.enrolment, bad, WORDS) == 0
    before = look()
    assert before, "its antivirus does not run"
    bare = Home(str(server.folder / "bare"))
    enrol(bare, server.url, do(server, "tokens.issue", pc=pc.enrolment.agent)["token"], None, LocalMachine())
    made = bare.enrolment()
    assert made is not None
    assert run(bare, made, bad, WORDS) == 0
    assert look() == before


def server_write(server: Any, job: Any) -> None:
    """Run a job in a transaction."""
    with server.database.write() as connection:
        job(connection)


# -- a copied disk ---------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(server: Any) -> tuple[Any, Home]:
    """A PC that has reported, and the copy of its disk in another machine."""
    pc = server.pc()
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    stranger = {"machine": "a" * 64, "uuid": "b" * 64, "serial": "c" * 64}
    shutil.copytree(pc.home.path, server.folder / "copy")
    home = Home(str(server.folder / "copy"))
    fingerprint.remember(home, stranger)  # what the other machine said when it enrolled
    return pc, home


def test_a_copy_without_a_token_sends_nothing_and_says_why(
    server: Any, copied: tuple[Any, Home], capsys: pytest.CaptureFixture[str]
) -> None:
    _, home = copied
    before = sorted(path.name for path in home.path.iterdir() if path.is_file())
    for _ in range(2):
        assert typed("run", "--home", home.path) == 5
        said = capsys.readouterr()
        assert "not the PC that enrolled" in said.err and "the system's own id" in said.err
        assert len(said.err.splitlines()) == 2
    found = notice.read(str(home.path))
    assert found is not None and found.code == "another_machine"
    assert server.ask("SELECT count(*) FROM reports") == [(1,)]
    now = sorted(path.name for path in home.path.iterdir() if path.is_file())
    assert set(before) <= set(now), "the identity stays: the disk may return to its machine"
    assert not list(home.path.glob("former-*"))
    assert server.ask("SELECT conflict_at FROM agents") == [(None,)]


def test_a_copy_with_a_token_becomes_a_pc_of_its_own(server: Any, copied: tuple[Any, Home]) -> None:
    pc, home = copied
    assert typed("enrol", server.url, "--token-file", token_file(server, unit="IT"), "--home", home.path) == 0
    made = home.enrolment()
    assert made is not None and made.agent != pc.enrolment.agent
    assert (home.path / "former-1" / "key.pem").exists()
    assert typed("run", "--home", home.path) == 0
    assert run(pc.home, pc.enrolment, pc.tables(13), WORDS) == 0
    assert server.ask("SELECT count(*) FROM agents") == [(2,)]
    assert server.ask("SELECT count(*) FROM agents WHERE conflict_at IS NOT NULL") == [(0,)]


def test_a_copy_that_finds_settings_and_a_token_enrols_by_itself(server: Any, copied: tuple[Any, Home]) -> None:
    import json

    _, home = copied
    conf = {"server": server.url, "unit": "IT", "ca": None, "server_key": server.key.public.hex()}
    (home.path / "agent.conf").write_text(json.dumps(conf))
    (home.path / "token").write_text(do(server, "tokens.issue", unit="IT")["token"])
    assert typed("run", "--home", home.path) == 0
    assert server.ask("SELECT count(*) FROM agents") == [(2,)]
    assert typed("run", "--home", home.path) == 0
    assert server.ask("SELECT count(*) FROM agents") == [(2,)]


def test_a_copy_whose_token_does_not_serve_keeps_what_it_has(server: Any, copied: tuple[Any, Home]) -> None:
    _, home = copied
    wrong = server.folder / "wrong"
    wrong.write_text("no such token")
    key = home.key.read_bytes()
    assert typed("enrol", server.url, "--token-file", wrong, "--home", home.path) == 5
    assert home.key.read_bytes() == key
    assert typed("run", "--home", home.path) == 5


def test_scorecard_6_a_copy_that_the_pc_cannot_see_is_marked_by_the_second_report(server: Any) -> None:
    pc = server.pc()
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    shutil.copytree(pc.home.path, server.folder / "twin")  # a virtual machine's snapshot: the same hardware, too
    twin = Home(str(server.folder / "twin"))
    count = 0
    while server.ask("SELECT count(*) FROM agents WHERE conflict_at IS NOT NULL") == [(0,)]:
        home = (pc.home, twin)[count % 2]
        run(home, pc.enrolment, pc.tables(20 + count), WORDS)
        count += 1
        assert count <= 2
    assert server.ask("SELECT count(*) FROM agents") == [(1,)], "one record, and a conflict an administrator sees"


def test_the_key_of_one_pc_says_nothing_for_another(server: Any) -> None:
    from muster_agent.sending.report import sign

    one, other = server.pc("one"), server.pc("other")
    forged = sign(one.tables(), one.enrolment.agent, other.key, one.last, "2026-11-24T08:00:00Z")[1]
    assert one.post(forged).status == 401
    assert server.ask("SELECT count(*) FROM reports") == [(0,)]


# -- approval ------------------------------------------------------------------------------------------------------


def test_a_pc_that_awaits_approval_is_told_and_counts_once_approved(
    server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from muster_server.store import history

    def counted() -> int:
        with server.database.read() as connection:
            return len(history.subjects(connection, ["os_version"], datetime.now(UTC)))

    home = Home(str(server.folder / "pc"))
    issued = do(server, "tokens.issue", unit="IT", approval=True)
    (server.folder / "token").write_text(issued["token"])
    assert typed("enrol", server.url, "--token-file", server.folder / "token", "--home", home.path) == 0
    assert "has to approve" in capsys.readouterr().out
    assert typed("run", "--home", home.path) == 0
    capsys.readouterr()
    typed("status", "--home", home.path)
    assert "awaited" in capsys.readouterr().out
    assert (counted(), server.ask("SELECT count(*) FROM reports")) == (0, [(1,)])
    do(server, "agents.approve", token=issued["id"])
    assert counted() == 1, "what it reported before counts, too"
    assert typed("run", "--home", home.path) == 0
    capsys.readouterr()
    typed("status", "--home", home.path)
    assert "awaited" not in capsys.readouterr().out
