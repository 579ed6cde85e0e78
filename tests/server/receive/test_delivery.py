"""An agent's run against a real server: what is delivered, what waits, and that nothing is lost on the way."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from muster_agent.cli import main
from muster_agent.commands.enrol import enrol
from muster_agent.commands.run import run
from muster_agent.local import LocalMachine
from muster_agent.sending.home import Home, State, Unusable
from muster_agent.sending.http import post
from muster_agent.sending.report import SignedReport, sign
from muster_agent.sending.send import deliver
from muster_agent.sending.spool import Spool
from muster_agent.words import Words

WORDS = Words("en")


def put(pc: Any, major: int = 12) -> Spool:
    """Let the PC sign a report and spool it."""
    spool = Spool(pc.home)
    seq, signed = sign(
        pc.tables(major), pc.enrolment.agent, pc.key, spool.last(pc.home.state()), "2026-11-24T08:00:00Z"
    )
    spool.put(seq, signed)
    return spool


def moved(pc: Any, url: str) -> Any:
    """The PC's enrolment with another address."""
    from dataclasses import replace

    return replace(pc.enrolment, server=url)


@contextmanager
def answering(status: int, body: bytes, headers: dict[str, str] | None = None) -> Iterator[str]:
    """Something that is not Muster answers every POST so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}"
    finally:
        running.shutdown()
        running.server_close()


def closed_port() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_run_delivers_and_says_so(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    pc = server.pc()
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    said = capsys.readouterr()
    assert "number 2" in said.out
    assert said.err == ""
    assert server.ask("SELECT seq FROM reports") == [(1,), (2,)]
    assert Spool(pc.home).paths() == []


def test_an_unreachable_server_loses_nothing_and_order_is_kept(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    pc = server.pc()
    away = moved(pc, closed_port())
    for major in (10, 11):
        assert run(pc.home, away, pc.tables(major), WORDS) == 3
    said = capsys.readouterr()
    assert "cannot be reached" in said.err
    assert "Traceback" not in said.err
    assert "2 report(s) wait" in said.out
    assert run(pc.home, pc.enrolment, pc.tables(12), WORDS) == 0
    assert server.ask("SELECT seq FROM reports ORDER BY position") == [(1,), (2,), (3,)]


def test_a_receipt_that_was_lost_is_asked_for_again(server: Any) -> None:
    pc = server.pc()
    spool = put(pc)
    kept = spool.paths()[0].read_bytes()
    assert deliver(pc.home, spool, pc.enrolment).delivered == 1
    (pc.home.spool / "0000000000000000001.json").write_bytes(kept)
    pc.home.save_state(State())
    again = deliver(pc.home, spool, pc.enrolment)
    assert (again.delivered, again.waiting, again.code) == (1, 0, None)
    assert server.ask("SELECT count(*) FROM reports") == [(1,)]
    assert pc.home.state().seq == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Please log in</html>"),
        (200, b"{}"),
        (202, b'{"receipt": "x", "signature": "y"}'),
        (200, b"[]"),
        (302, b"{}"),
        (500, b"{}"),
        (200, b'{"a": "' + b"x" * 70_000 + b'"}'),
    ],
)
def test_what_is_not_muster_gets_no_report_out_of_the_spool(server: Any, status: int, body: bytes) -> None:
    pc = server.pc()
    spool = put(pc)
    with answering(status, body, {"Location": server.url}) as url:
        done = deliver(pc.home, spool, moved(pc, url))
    assert (done.delivered, done.waiting, done.refused, done.code) == (0, 1, 0, "not_muster")
    assert deliver(pc.home, spool, pc.enrolment).delivered == 1


@pytest.mark.parametrize(("status", "code"), [(401, "not_enrolled"), (403, "revoked"), (429, "busy"), (503, "busy")])
def test_a_server_that_takes_nothing_now_leaves_everything_waiting(server: Any, status: int, code: str) -> None:
    pc = server.pc()
    put(pc)
    spool = put(pc)
    with answering(status, b'{"error": "x", "detail": "y"}') as url:
        done = deliver(pc.home, spool, moved(pc, url))
    assert (done.waiting, done.code) == (2, code)


def test_a_refused_report_is_kept_aside_and_does_not_block_the_next(server: Any) -> None:
    pc = server.pc()
    spool = put(pc)
    with answering(422, b'{"error": "bad_report", "detail": "$.x"}') as url:
        done = deliver(pc.home, spool, moved(pc, url))
    assert (done.refused, done.waiting, done.code, done.detail) == (1, 0, "refused", "$.x")
    kept = sorted(path.name for path in pc.home.refused.iterdir())
    assert kept == ["0000000000000000001.answer.txt", "0000000000000000001.json"]
    put(pc, major=13)
    assert deliver(pc.home, spool, pc.enrolment).delivered == 1
    assert server.ask("SELECT seq FROM reports") == [(2,)]


def test_a_damaged_spool_file_is_put_aside(server: Any) -> None:
    pc = server.pc()
    spool = put(pc)
    (pc.home.spool / "0000000000000000000.json").write_bytes(b"{not json")
    (pc.home.spool / "0000000000000000000.json.new").write_bytes(b"half")
    assert deliver(pc.home, spool, pc.enrolment).delivered == 1
    assert [path.name for path in pc.home.refused.iterdir()] == ["0000000000000000000.json"]


def test_a_full_spool_drops_the_oldest_and_never_the_newest(server: Any) -> None:
    pc = server.pc()
    spool = Spool(pc.home, limit=1)
    dropped = []
    for major in (10, 11, 12):
        seq, signed = sign(
            pc.tables(major), pc.enrolment.agent, pc.key, spool.last(pc.home.state()), "2026-11-24T08:00:00Z"
        )
        dropped += spool.put(seq, signed)
    assert [name.lstrip("0") for name in dropped] == ["1.json", "2.json"]
    assert deliver(pc.home, spool, pc.enrolment).delivered == 1
    assert server.ask("SELECT seq FROM reports") == [(3,)]


def test_rows_the_server_has_lost_are_brought_by_the_same_run(server: Any) -> None:
    pc = server.pc()
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    with server.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM bodies")
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    assert server.ask("SELECT count(*) FROM bodies") == [(3,)]


def test_a_cloned_disk_is_told_of_the_conflict(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    pc = server.pc()
    run(pc.home, pc.enrolment, pc.tables(), WORDS)
    shutil.copytree(pc.home.path, server.folder / "clone")
    run(pc.home, pc.enrolment, pc.tables(13), WORDS)
    assert run(Home(str(server.folder / "clone")), pc.enrolment, pc.tables(11), WORDS) == 5
    assert "cloned disk" in capsys.readouterr().err


def test_a_pc_that_lost_its_state_goes_on_with_its_chain(server: Any) -> None:
    pc = server.pc()
    for major in (10, 11):
        assert run(pc.home, pc.enrolment, pc.tables(major), WORDS) == 0
    (pc.home.path / "state.json").unlink()
    with pytest.raises(Unusable, match="state_lost"):
        run(pc.home, pc.enrolment, pc.tables(12), WORDS)
    again = enrol(pc.home, server.url, server.token(), None, LocalMachine())
    assert again == pc.enrolment
    assert run(pc.home, again, pc.tables(12), WORDS) == 0
    assert server.ask("SELECT seq FROM reports ORDER BY position") == [(1,), (2,), (3,)]
    assert server.ask("SELECT count(*) FROM conflicts") == [(0,)]
    assert server.ask("SELECT conflict_at FROM agents") == [(None,)]


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        "null",
        '{"seq": "x", "digest": "%s", "known": []}',
        '{"seq": 1.5, "digest": "%s", "known": []}',
        '{"seq": 99999999999999999999, "digest": "%s", "known": []}',
        '{"seq": 2, "digest": "zz", "known": []}',
        '{"seq": 2, "digest": "%s", "known": null}',
        '{"seq": 2, "digest": "%s", "known": [1]}',
        '{"seq": 2, "digest": "%s", "known": [], "more": 1}',
    ],
)
def test_a_damaged_state_is_said_and_nothing_is_numbered_anew(server: Any, content: str) -> None:
    pc = server.pc()
    (pc.home.path / "state.json").write_text(content.replace("%s", "a" * 64))
    with pytest.raises(Unusable, match="file_damaged"):
        run(pc.home, pc.enrolment, pc.tables(), WORDS)
    assert Spool(pc.home).paths() == []


@pytest.mark.parametrize(
    ("field", "value"), [("agent", "nouuid"), ("server", 5), ("server", "ftp://x"), ("server_key", ""), ("unit", None)]
)
def test_a_damaged_enrolment_is_said(server: Any, field: str, value: object) -> None:
    pc = server.pc()
    path = pc.home.path / "enrolment.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(Unusable, match="file_damaged"):
        pc.home.enrolment()


def test_what_lies_in_the_spool_and_is_no_report_is_said(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    pc = server.pc()
    (pc.home.spool / "0000000000000000007.json").write_text('{"envelope":null,"signature":"","body":""}')
    (pc.home.spool / "0000000000000000008.json").mkdir()
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 3
    said = capsys.readouterr().out
    assert "2 waiting file(s) were damaged" in said
    assert "delivered 1 report(s)" in said
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0


def test_a_key_that_others_can_read_is_not_used(server: Any) -> None:
    pc = server.pc()
    pc.home.key.chmod(0o644)
    with pytest.raises(Unusable, match="key_exposed"):
        run(pc.home, pc.enrolment, pc.tables(), WORDS)


def test_an_empty_key_file_is_said(server: Any) -> None:
    home = Home(str(server.folder / "new"))
    home.key.touch(mode=0o600)
    with pytest.raises(Unusable, match="key_unreadable"):
        enrol(home, server.url, server.token(), None, LocalMachine())


def test_a_home_on_a_full_disk_is_a_clear_line_and_the_key_is_whole_or_not_there(server: Any) -> None:
    import os
    import subprocess as processes

    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = server.folder / "disk"
    disk.mkdir()
    mounted = processes.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("this system lets nobody mount a tmpfs")
    try:
        line = [sys.executable, "-m", "muster_agent", "--lang", "en", "enrol", server.url, "--home", str(disk / "home")]
        first = processes.run(line, input=server.token(), capture_output=True, text=True, timeout=60)
        (disk / "home").mkdir(exist_ok=True, mode=0o700)
        (disk / "fill").write_bytes(b"")
        with contextlib.suppress(OSError), (disk / "fill").open("ab", buffering=0) as fill:
            while True:
                fill.write(b"x" * 4096)
        again = processes.run(line, input=server.token(), capture_output=True, text=True, timeout=60)
        for done in (first, again):
            assert "Traceback" not in done.stderr
        assert again.returncode in (2, 5)
        key = disk / "home" / "key.pem"
        assert not key.exists() or key.stat().st_size > 0
    finally:
        processes.run(["umount", str(disk)], check=True)


def test_the_authority_is_remembered_by_its_full_path(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text("")
    made = enrol(Home(str(tmp_path / "home")), server.url, server.token(), "ca.pem", LocalMachine())
    assert made.ca == str(tmp_path / "ca.pem")


def test_a_copy_gets_an_identity_of_its_own_and_leaves_the_first_alone(
    server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    pc = server.pc()
    run(pc.home, pc.enrolment, pc.tables(), WORDS)
    shutil.copytree(pc.home.path, server.folder / "clone")
    token = server.folder / "token"
    token.write_text(server.token())
    words = ["enrol", server.url, "--token-file", str(token), "--home", str(server.folder / "clone"), "--lang=en"]
    assert main(words) == 2
    assert "--anew" in capsys.readouterr().err
    token.write_text("wrong")
    before = sorted((path.name, path.read_bytes()) for path in (server.folder / "clone").iterdir() if path.is_file())
    assert main([*words, "--anew"]) == 5
    after = sorted((path.name, path.read_bytes()) for path in (server.folder / "clone").iterdir() if path.is_file())
    assert before == after, "a refused token must not cost the PC the identity it has"
    capsys.readouterr()
    token.write_text(server.token())
    assert main([*words, "--anew"]) == 0
    assert "former-1" in capsys.readouterr().out
    clone = Home(str(server.folder / "clone"))
    made = clone.enrolment()
    assert made is not None and made.agent != pc.enrolment.agent
    assert clone.state().seq == 0
    assert run(clone, made, pc.tables(), WORDS) == 0
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    assert server.ask("SELECT seq FROM reports ORDER BY position") == [(1,), (1,), (2,)]
    assert server.ask("SELECT count(*) FROM agents WHERE conflict_at IS NOT NULL") == [(0,)]


def test_a_pc_whose_key_is_lost_starts_anew_and_counts_from_one(server: Any) -> None:
    pc = server.pc()
    run(pc.home, moved(pc, closed_port()), pc.tables(), WORDS)
    for name in ("key.pem", "enrolment.json"):
        (pc.home.path / name).unlink()
    token = server.folder / "token"
    token.write_text(server.token())
    assert main(["enrol", server.url, "--token-file", str(token), "--home", str(pc.home.path)]) == 0
    made = pc.home.enrolment()
    assert run(pc.home, made, pc.tables(), WORDS) == 0
    assert server.ask("SELECT seq FROM reports") == [(1,)]
    assert len(list((pc.home.path / "former-1" / "spool").iterdir())) == 1


def test_two_runs_at_once_do_not_share_a_number(server: Any) -> None:
    pc = server.pc()
    with pc.home.lock(), pytest.raises(Unusable, match="home_busy"):
        pc.home.lock()


def test_a_home_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o777)
    with pytest.raises(Unusable, match="home_unsafe"):
        Home(str(tmp_path / "home"))


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"server": 1, "unknown": 2}'])
def test_a_damaged_enrolment_is_said_and_not_taken_for_none(tmp_path: Path, content: str) -> None:
    home = Home(str(tmp_path / "home"))
    assert home.enrolment() is None
    (home.path / "enrolment.json").write_text(content)
    with pytest.raises(Unusable, match="file_damaged"):
        home.enrolment()


def test_a_signed_report_reads_back_from_its_file_form() -> None:
    signed = SignedReport(b"envelope", b"signature", b"\x00body")
    assert SignedReport.from_json(signed.to_json()) == signed
    for bad in (b"", b"[]", b"{}", b'{"envelope":"!","signature":"","body":""}'):
        with pytest.raises(ValueError):
            SignedReport.from_json(bad)


def test_a_server_that_was_restarted_answers_a_replay_from_before(start: Callable[[], Any]) -> None:
    first = start()
    pc = first.pc()
    signed = pc.sign()
    before = pc.post(signed)
    second = start()
    after = post(second.url, "/v1/reports", signed.body, _headers(signed))
    assert (after.status, json.dumps(dict(after.content))) == (200, json.dumps(dict(before.content)))


def _headers(signed: SignedReport) -> dict[str, str]:
    from muster_agent.sending.send import headers_of

    return headers_of(signed)
