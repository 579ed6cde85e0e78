"""A server that is away, busy, lost or not itself: what the agent does, what it says, and that nothing is lost."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from muster_agent.commands.run import run
from muster_agent.sending import http as speaking
from muster_agent.sending import notice, pace
from muster_agent.sending.http import Unreachable, post
from muster_agent.sending.pace import Pace
from muster_agent.sending.report import sign
from muster_agent.sending.send import deliver
from muster_agent.sending.spool import Spool
from muster_agent.words import LANGUAGES, Words

WORDS = Words("en")
JSON, HTML = b'{"error": "busy", "detail": "x"}', b"<html>Please log in</html>"


@dataclass
class Front:
    """Something in front of the server: it answers by itself while it has answers, and passes on what comes after."""

    url: str = ""
    answers: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)
    behind: str = ""  # the server's address; empty: there is none
    taken: list[float] = field(default_factory=list)  # when each request came
    connections: int = 0


@contextmanager
def front() -> Iterator[Front]:
    """One that runs."""
    one = Front()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            one.connections += 1

        def do_POST(self) -> None:
            one.taken.append(time.monotonic())
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if one.answers:
                status, data, headers = one.answers.pop(0)
            else:
                passed = {
                    name: value for name, value in self.headers.items() if name.startswith(("Muster", "Content-E"))
                }
                answer = post(one.behind, self.path, body, passed)
                status, data, headers = answer.status, json.dumps(dict(answer.content)).encode(), {}
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    one.url = f"http://127.0.0.1:{running.server_address[1]}"
    try:
        yield one
    finally:
        running.shutdown()
        running.server_close()


def put(pc: Any, *majors: int) -> Spool:
    """Let reports wait."""
    spool = Spool(pc.home)
    for major in majors:
        tables = pc.tables(major)
        spool.put(*sign(tables, pc.enrolment.agent, pc.key, spool.last(pc.home.state()), "2026-11-24T08:00:00Z"))
    return spool


def at(pc: Any, url: str) -> Any:
    """The PC's enrolment, at another address."""
    return replace(pc.enrolment, server=url)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, HTML, "not_muster"),
        (302, HTML, "not_muster"),
        (407, HTML, "proxy_asks"),
        (502, HTML, "no_server_behind"),
        (503, HTML, "no_server_behind"),
        (504, b"", "no_server_behind"),
        (500, b'{"error": "failed"}', "server_failed"),
        (408, JSON, "busy"),
        (429, JSON, "busy"),
        (503, JSON, "busy"),
        (507, JSON, "busy"),
    ],
)
def test_B75_whatever_answers_in_the_servers_place_gets_one_clear_line_and_no_report(
    server: Any, capsys: pytest.CaptureFixture[str], status: int, body: bytes, code: str
) -> None:
    pc = server.pc()
    with front() as one:
        one.answers = [(status, body, {})] * 9
        assert run(pc.home, at(pc, one.url), pc.tables(), WORDS) == 3
    said = capsys.readouterr()
    assert WORDS("failure." + code) in said.err.splitlines()[0] and len(said.err.splitlines()) == 2
    assert len(Spool(pc.home).paths()) == 1 and not list(pc.home.refused.iterdir())
    for lang in LANGUAGES:
        assert Words(lang).has(f"failure.{code}.advice")
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    assert server.ask("SELECT seq FROM reports") == [(1,), (2,)]


def test_B75_a_name_that_nobody_knows_is_said(server: Any) -> None:
    pc = server.pc()
    spool = put(pc, 12)
    done = deliver(pc.home, spool, at(pc, "https://no-such-host.invalid:8470"))
    assert (done.code, done.waiting) == ("no_name", 1)


def test_B75_a_disk_that_may_not_be_written_is_one_clear_line(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pc = server.pc()

    def write(path: Path, *_: Any) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr("muster_agent.sending.spool.write_durably", write)
    with pytest.raises(OSError, match="Read-only"):  # cli.main makes the line of it: failure.no_space
        run(pc.home, pc.enrolment, pc.tables(), WORDS)
    assert "cannot write" in WORDS("failure.no_space")


def test_a_short_retry_after_is_waited_for_once_and_only_where_nobody_waits(server: Any) -> None:
    pc = server.pc()
    waits: list[float] = []
    with front() as one:
        one.behind = server.url
        spool = put(pc, 12)
        one.answers = [(503, JSON, {"Retry-After": "5"})]
        done = deliver(pc.home, spool, at(pc, one.url))
        assert (done.code, done.retry_after, len(one.taken)) == ("busy", 5.0, 1), "a person waits for the end"
        one.answers = [(503, JSON, {"Retry-After": "5"})]
        assert deliver(pc.home, spool, at(pc, one.url), Pace(), waits.append).delivered == 1
        assert len(waits) == 1 and 5.0 <= waits[0] <= 6.0
        put(pc, 13)
        one.answers = [(429, JSON, {"Retry-After": "10"})] * 2
        assert deliver(pc.home, spool, at(pc, one.url), Pace(), waits.append).code == "busy"
        assert len(waits) == 2
        one.answers = [(503, HTML, {"Retry-After": "3600"})]
        done = deliver(pc.home, spool, at(pc, one.url), Pace(), waits.append)
        assert (done.code, done.retry_after, len(waits)) == ("no_server_behind", 3600.0, 2), "too long to sit and wait"


def test_what_waited_is_sent_a_little_after_the_server_is_back(server: Any) -> None:
    pc = server.pc()
    waits: list[float] = []
    spool = put(pc, 10, 11, 12)
    done = deliver(pc.home, spool, pc.enrolment, Pace(failures=1), waits.append)
    assert done.delivered == 3 and len(waits) == 1 and 0 <= waits[0] <= pace.SPREAD
    put(pc, 13, 14)
    assert deliver(pc.home, spool, pc.enrolment, Pace(), waits.append).delivered == 2
    assert len(waits) == 1, "a server that was never away gets them at once"


def test_a_scheduled_run_keeps_to_the_pace_and_a_person_does_not(
    server: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pc = server.pc()
    with front() as one:
        one.answers = [(503, JSON, {"Retry-After": "7200"})]
        assert run(pc.home, at(pc, one.url), pc.tables(), WORDS, scheduled=True) == 3
        assert pace.load(pc.home).holds(time.time() + 7000) and not pace.load(pc.home).holds(time.time() + 7200 * 1.21)
        assert run(pc.home, at(pc, one.url), pc.tables(13), WORDS, scheduled=True) == 3
        assert len(one.taken) == 1, "not spoken to before its time"
    said = capsys.readouterr()
    assert "sent later" in said.err and "2 report(s) wait" in said.out
    found = notice.read(str(pc.home.path))
    assert found is not None and (found.code, found.waiting) == ("later", 2)
    assert run(pc.home, pc.enrolment, pc.tables(14), WORDS) == 0
    assert pace.load(pc.home) == Pace()
    assert server.ask("SELECT seq FROM reports ORDER BY position") == [(1,), (2,), (3,)]


def test_failures_count_up_and_the_first_success_ends_them(server: Any) -> None:
    pc = server.pc()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{probe.getsockname()[1]}"
    for failures in (1, 2, 3):
        assert run(pc.home, at(pc, away), pc.tables(), WORDS) == 3
        assert pace.load(pc.home).failures == failures
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    assert pace.load(pc.home) == Pace()


def test_a_report_that_makes_the_server_fail_blocks_the_rest_for_three_runs_at_most(server: Any) -> None:
    pc = server.pc()
    failing = (500, b'{"error": "failed", "detail": ""}', {})
    with front() as one:
        one.behind = server.url
        spool = put(pc, 10, 11)
        for tries in (1, 2):
            one.answers = [failing]
            remembered = pace.load(pc.home)
            done = deliver(pc.home, spool, at(pc, one.url), remembered)
            assert (done.code, done.waiting, done.stuck) == ("server_failed", 2, 1)
            pace.save(pc.home, remembered.stuck_at(done.stuck))
            assert pace.load(pc.home).tries == tries
        one.answers = [failing]
        done = deliver(pc.home, spool, at(pc, one.url), pace.load(pc.home))
    assert (done.delivered, done.refused, done.waiting, done.code) == (1, 1, 0, "refused")
    assert [path.name[:19].lstrip("0") for path in sorted(pc.home.refused.glob("*.json"))] == ["1"]
    assert server.ask("SELECT seq FROM reports") == [(2,)]


def test_a_server_that_fails_over_every_report_costs_none(server: Any) -> None:
    pc = server.pc()
    spool = put(pc, 10, 11, 12)
    with front() as one:
        for _ in range(6):
            one.answers = [(500, b'{"error": "failed"}', {})] * 9
            done = deliver(pc.home, spool, at(pc, one.url), pace.load(pc.home))
            pace.save(pc.home, pace.load(pc.home).stuck_at(done.stuck))
    assert (done.waiting, done.refused) == (3, 0)
    assert deliver(pc.home, spool, pc.enrolment).delivered == 3


def test_what_the_way_did_to_a_report_is_not_held_against_it(server: Any) -> None:
    pc = server.pc()
    spool = put(pc, 12)
    with front() as one:
        one.behind = server.url
        one.answers = [(400, b'{"error": "bad_body", "detail": ""}', {})] * 2
        assert deliver(pc.home, spool, at(pc, one.url)).delivered == 1
        assert one.connections == 3
        put(pc, 13)
        one.answers = [(400, b'{"error": "bad_body", "detail": ""}', {})] * 3
        done = deliver(pc.home, spool, at(pc, one.url))
    assert (done.delivered, done.refused, done.code) == (0, 1, "refused")


def test_one_line_carries_everything_that_waits_and_is_opened_again_when_it_was_closed(server: Any) -> None:
    pc = server.pc()
    with front() as one:
        one.behind = server.url
        assert deliver(pc.home, put(pc, *range(10)), at(pc, one.url)).delivered == 10
        assert one.connections == 1
        with speaking.Line(one.url) as line:
            one.answers = [(503, JSON, {})] * 2
            assert line.post("/v1/reports", b"", {}).status == 503
            assert line._open is not None and line._open.sock is not None
            line._open.sock.shutdown(socket.SHUT_RDWR)  # the other end had enough of waiting
            assert line.post("/v1/reports", b"", {}).status == 503


def test_an_answer_that_trickles_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "DEADLINE", 0.4)
    listener = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        taken, _ = listener.accept()
        with taken:
            taken.recv(65536)
            try:
                for _ in range(100):
                    taken.sendall(b"H")
                    time.sleep(0.05)
            except OSError:
                pass

    threading.Thread(target=trickle, daemon=True).start()
    begun = time.monotonic()
    with pytest.raises(Unreachable):
        post(f"http://127.0.0.1:{listener.getsockname()[1]}", "/v1/reports", b"{}", {})
    assert time.monotonic() - begun < 3
    listener.close()


def test_L12_a_server_that_has_lost_this_pc_takes_it_in_again_with_the_token_that_lies_there(
    start: Callable[[], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = start()
    pc = server.pc()
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    with server.database.write() as connection:
        for table in ("reports", "intervals", "keys", "agents"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # restored from before it came
    server = start()  # whatever it remembered of its keys is gone with it
    enrolment = at(pc, server.url)
    assert run(pc.home, enrolment, pc.tables(13), WORDS) == 5, "without a token everything waits"
    assert "does not know this PC" in capsys.readouterr().err
    assert len(Spool(pc.home).paths()) == 1
    conf = {"server": server.url, "unit": "信息科", "server_key": server.key.public.hex()}
    (pc.home.path / "agent.conf").write_text(json.dumps(conf))
    (pc.home.path / "token").write_text(server.token())
    (pc.home.path / "token").chmod(0o600)
    assert run(pc.home, enrolment, pc.tables(14), WORDS) == 0
    made = pc.home.enrolment()
    assert made is not None and made.agent != pc.enrolment.agent
    assert server.ask("SELECT seq FROM reports") == [(1,)]
    assert (pc.home.path / "token").read_text() == ""
    kept = list((pc.home.path / "former-1" / "spool").iterdir())
    assert len(kept) == 2, "what was signed in the old name is kept"
    assert run(pc.home, made, pc.tables(14), WORDS) == 0
