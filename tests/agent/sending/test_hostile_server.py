"""No command channel: whatever a server answers, the agent ends in time with a clear line, writes into its own folder
alone, runs nothing, speaks to nobody else, and keeps every report that has no receipt of its own.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import socket
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster_agent.commands.enrol import bind
from muster_agent.commands.failure import Failure
from muster_agent.commands.run import run
from muster_agent.facts import OsVersion, Table
from muster_agent.sending import http, rotation
from muster_agent.sending.envelope import FIRST, Envelope, Receipt
from muster_agent.sending.home import Enrolment, Home, State, Unusable
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.spool import Spool
from muster_agent.text import ACTIVE
from muster_agent.words import Words

AGENT = "0" * 8 + "-0000-4000-8000-" + "0" * 12
SERVER_KEY, OTHER_KEY = SigningKey.generate(), SigningKey.generate()
SOON, LATEST = 0.4, 1.2  # seconds: the agent's own limits, shortened for the test
MAY_TAKE = 8.0  # seconds until it must have ended, on a machine that is busy with other things

# -- what the agent does, as Python itself tells ---------------------------------------------------------------------

RUNS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn")
RUNS = (*RUNS, "exec", "compile", "ctypes.dlopen", "code.__new__", "marshal.loads", "pickle.find_class")
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
CHANGES = (*CHANGES, "os.chown", "os.utime", "shutil.rmtree", "os.putenv", "os.unsetenv", "os.kill", "os.chdir")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass
class Watch:
    """What is forbidden now, and what was done all the same."""

    on: bool = False
    home: str = ""
    port: int = 0
    found: list[str] = field(default_factory=list)

    def look(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook (PEP 578)."""
        if not self.on:
            return
        if event in RUNS and not _an_import():
            self.found.append(f"{event} {arguments!r}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            self._inside(event, arguments[:1])
        elif event in CHANGES:
            self._inside(event, [path for path in arguments if isinstance(path, str | bytes | os.PathLike)])
        elif event == "socket.connect" and arguments[1] != ("127.0.0.1", self.port):
            self.found.append(f"{event} {arguments[1]!r}")

    def _inside(self, event: str, paths: Any) -> None:
        for path in paths:
            if not isinstance(path, int) and not os.path.realpath(os.fsdecode(path)).startswith(self.home + os.sep):
                self.found.append(f"{event} {path!r}")


def _an_import() -> bool:
    """Whether Python is loading a module of its own just now: that compiles and executes, too."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


WATCH = Watch()
sys.addaudithook(WATCH.look)

# -- a server that answers what it is told to ------------------------------------------------------------------------


@dataclass
class Request:
    """What the agent sent."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def envelope(self) -> Envelope:
        return Envelope.parse(base64.b64decode(self.headers["muster-envelope"]))


Reply = Callable[[socket.socket, Request], object]


class Server:
    """Listens on loopback; every request gets :attr:`reply`."""

    def __init__(self) -> None:
        self.reply: Reply = plain(503, b"{}")
        self.requests: list[Request] = []
        self.sent = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(accepted,), daemon=True).start()

    def _talk(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), accepted, accepted.makefile("rb") as incoming:
            accepted.settimeout(MAY_TAKE)
            while line := incoming.readline():
                headers = {}
                while (header := incoming.readline().strip()) != b"":
                    name, _, value = header.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = incoming.read(int(headers.get("content-length", 0)))
                request = Request(line.decode().split()[1], headers, body)
                self.requests.append(request)
                self.reply(accepted, request)


def head(status: int, *headers: str) -> bytes:
    """The beginning of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status} Said", *headers, "", ""]).encode("utf-8", "surrogatepass")


def plain(status: int, body: bytes, *headers: str) -> Reply:
    """A whole answer."""
    data = head(status, f"Content-Length: {len(body)}", *headers) + body
    return lambda connection, request: connection.sendall(data)


def said(status: int, content: object, *headers: str) -> Reply:
    """A whole answer in JSON."""
    return plain(status, json.dumps(content).encode("ascii"), "Content-Type: application/json", *headers)


def receipted(key: SigningKey, status: int = 202, more: Any = None, **changed: Any) -> Reply:
    """An answer with a receipt for the report in the request; ``changed`` fields make it another's."""

    def reply(connection: socket.socket, request: Request) -> None:
        if "muster-envelope" not in request.headers:
            return  # a "rekey" in the answer before: the request for a new key gets no answer
        envelope = request.envelope
        fields: dict[str, Any] = {"agent": envelope.agent, "seq": envelope.seq, "report": envelope.digest}
        fields.update({"received_at": "2026-11-24T08:00:00Z", "position": 1, "chain": FIRST}, **changed)
        data = Receipt(**fields).to_bytes()
        texts = {"receipt": data, "signature": key.sign(data)}
        content = {name: base64.b64encode(value).decode() for name, value in texts.items()}
        said(status, {**(more if isinstance(more, dict) else {}), **content})(connection, request)

    return reply


def endless(first: bytes, again: bytes, pause: float = 0.0) -> Reply:
    """An answer that goes on until the agent hangs up, or it has had far too much."""

    def reply(connection: socket.socket, request: Request) -> None:
        connection.sendall(first)
        sent = 0
        while sent < 64 * 1024 * 1024:
            connection.sendall(again)
            sent += len(again)
            SENT.append(len(again))
            time.sleep(pause)

    return reply


SENT: list[int] = []  # bytes of endless answers

# -- a PC -------------------------------------------------------------------------------------------------------------


@dataclass
class Pc:
    """An enrolled PC with one run behind it or none."""

    home: Home
    server: Server

    @property
    def enrolment(self) -> Enrolment:
        return Enrolment(self.server.url, AGENT, "信息科", SERVER_KEY.public.hex())

    def run(self) -> int:
        """One run with facts that need no collecting; watched."""
        tables = {"os_version": Table((OsVersion(name="Debian", platform="debian", major=12),))}
        return int(watched(self, lambda: run(self.home, self.enrolment, tables, Words("en"))))

    def kept(self) -> int:
        """Reports that are still here."""
        return len(Spool(self.home).paths()) + len(list(self.home.refused.glob("*.json")))


def watched(pc: Pc, do: Callable[[], Any]) -> Any:
    """Do it; nothing may happen outside the PC's folder, and nothing may be run."""
    WATCH.home, WATCH.port, WATCH.found = os.path.realpath(pc.home.path), pc.server.port, []
    began = time.monotonic()
    WATCH.on = True
    try:
        return do()
    finally:
        WATCH.on = False
        assert WATCH.found == []
        assert time.monotonic() - began < MAY_TAKE


def new_home(folder: Path) -> Home:
    """The folder of a PC that has enrolled."""
    home = Home(str(folder))
    SigningKey.generate().save(str(home.key))
    home.enrol(Enrolment("http://127.0.0.1:1", AGENT, "信息科", SERVER_KEY.public.hex()), State(0, FIRST, []))
    return home


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(http, "TIME_LIMIT", SOON)
    monkeypatch.setattr(http, "DEADLINE", LATEST)
    SENT.clear()
    running = Server()
    yield running
    running.close()


@pytest.fixture
def pc(server: Server, tmp_path: Path) -> Pc:
    return Pc(new_home(tmp_path / "home"), server)


def clear(shown: pytest.CaptureResult[str]) -> None:
    """What a person was shown: short, no traceback, nothing that steers a terminal."""
    text = shown.out + shown.err
    assert "Traceback" not in text
    assert len(text) < 4000
    assert not {unicodedata.category(character) for character in text.replace("\n", "")} & ACTIVE, repr(text)


# -- odd answers -------------------------------------------------------------------------------------------------------

BIG = b"A" * 65536
BOMB = gzip.compress(bytes(50 * 1024 * 1024))
DEEP = b'{"error":' * 5000 + b"1" + b"}" * 5000
NEAR = b'{"error":"x","detail":' + b"[" * 900 + b"]" * 900 + b"}"
TURNS = "\x1b[2J\x1b]0;x\x07\u202e\r\n2026-01-01 all well\x00\ud800"
ANSWERS: dict[str, Reply] = {
    "a redirect": plain(302, b"", "Location: http://127.0.0.1:9/v1/reports"),
    "a lasting redirect": said(308, {"error": "moved"}, "Location: http://127.0.0.1:9/v1/reports"),
    "a redirect to a file": said(301, {}, "Location: file:///etc/passwd"),
    "a page": plain(200, b"<html>Sign in</html>", "Content-Type: text/html"),
    "nothing": lambda connection, request: None,
    "an end": lambda connection, request: connection.close(),
    "no HTTP": lambda connection, request: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "half a head": lambda connection, request: connection.sendall(b"HTTP/1.1 20"),
    "a list": said(200, [1, 2, 3]),
    "a number": plain(200, b"1e400"),
    "not a number": plain(200, b'{"error": NaN, "clock": Infinity}'),
    "a long number": plain(200, b'{"clock": ' + b"9" * 5000 + b"}"),
    "a deep answer": plain(400, DEEP),
    "one that is nearly too deep": plain(400, NEAR),
    "half a character": plain(400, b'{"error":"x","detail":"\\ud800"}'),
    "what steers a terminal": said(400, {"error": "x", "detail": TURNS}),
    "what steers a terminal, 503": said(503, {"error": "x", "detail": TURNS}),
    "not UTF-8": plain(202, b'{"receipt":"\xff\xfe"}'),
    "long detail": said(409, {"error": "x", "detail": "d" * 60000}),
    "a bomb": plain(202, BOMB, "Content-Encoding: gzip", "Content-Type: application/json"),
    "a cookie": said(500, {"error": "x"}, "Set-Cookie: a=b; Domain=.example", "Refresh: 0; url=http://127.0.0.1:9/"),
    "an upgrade": plain(101, b"", "Upgrade: websocket", "Connection: Upgrade"),
    "a demand": plain(401, b"{}", 'WWW-Authenticate: Basic realm="x"'),
    "another place": said(200, {"error": "x"}, 'Alt-Svc: h2="127.0.0.1:9"', "Link: <http://127.0.0.1:9/>; rel=preload"),
    "a huge header": plain(200, b"{}", "X: " + "a" * 70000),
    "many headers": plain(200, b"{}", *(f"X-{n}: {n}" for n in range(500))),
    "two lengths": lambda connection, request: connection.sendall(
        head(200, "Content-Length: 2", "Content-Length: 9") + b"{}"
    ),
    "a length below nothing": lambda connection, request: connection.sendall(head(200, "Content-Length: -1") + b"{}"),
    "too short": lambda connection, request: connection.sendall(head(200, "Content-Length: 500") + b"{}"),
    "a chunk below nothing": endless(head(200, "Transfer-Encoding: chunked") + b"-1\r\n", BIG),
    "chunks without end": endless(head(200, "Transfer-Encoding: chunked"), b"10000\r\n" + BIG + b"\r\n"),
    "a chunk size without end": endless(head(200, "Transfer-Encoding: chunked"), b"0" * 65536),
    "a trailer without end": endless(head(200, "Transfer-Encoding: chunked") + b"0\r\n", b"X: y\r\n" * 1000),
    "a body without end": endless(head(200), BIG),
    "a head without end": endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000),
    "go on, go on": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "a byte at a time": endless(head(200, "Content-Length: 9999"), b" ", 0.1),
    "a head a byte at a time": endless(b"HTTP/1.1 200 OK\r\nX: ", b"y", 0.1),
    "come again in an age": said(429, {"error": "x"}, "Retry-After: " + "9" * 60),
    "come again yesterday": said(503, {"error": "x"}, "Retry-After: -1"),
    "a receipt by another key": receipted(OTHER_KEY),
    "another report's receipt": receipted(SERVER_KEY, report="a" * 64),
    "another PC's receipt": receipted(SERVER_KEY, agent="1" * 8 + AGENT[8:]),
    "another number's receipt": receipted(SERVER_KEY, seq=7),
    "a receipt with a redirect": receipted(SERVER_KEY, status=302),
    "a receipt with a failure": receipted(SERVER_KEY, status=500),
    "a receipt and wishes": said(
        200, {"receipt": "", "signature": "", "run": "reboot", "rekey": True, "url": "http://x"}
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_no_odd_answer_makes_the_agent_do_anything(name: str, pc: Pc, capsys: pytest.CaptureFixture[str]) -> None:
    pc.server.reply = ANSWERS[name]
    assert pc.run() in (3, 5)
    assert pc.kept() == 1
    clear(capsys.readouterr())
    assert sum(SENT) < 16 * 1024 * 1024, "it took in far more than any answer is"
    assert {request.path for request in pc.server.requests} <= {"/v1/reports", "/v1/keys"}
    assert not any("cookie" in request.headers for request in pc.server.requests)
    # And the next run, with a server that is one, brings what was kept for it.
    refused = len(list(pc.home.refused.glob("*.json")))
    pc.server.reply = receipted(SERVER_KEY)
    assert pc.run() == 0
    assert pc.kept() == refused


# -- any answer --------------------------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(st.characters(), max_size=20),
    st.sampled_from([TURNS, "../../etc/passwd", "$(reboot)", "A" * 3000, "\ud83d", "", AGENT, FIRST, "{0.__class__}"]),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), TEXTS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
FINDING = {"rule": "AV-001", "severity": "high", "title": {"zh": "x", "en": "x"}, "fix": {"zh": "x", "en": "x"}}
FINDING = {**FINDING, "due": "2026-11-24T08:00:00Z"}  # type: ignore[dict-item]


def judgements() -> st.SearchStrategy[Any]:
    """What a PC is told of itself, whole but for one thing."""
    whole = {"as_of": "2026-11-24T08:00:00Z", "count": 1, "unknown": 0, "open": [FINDING]}
    worded = {**whole, "open": [{**FINDING, "title": {"zh": TURNS, "en": TURNS}, "fix": {"zh": TURNS, "en": TURNS}}]}
    broken = st.tuples(st.sampled_from(sorted(whole)), VALUES).map(lambda pair: {**whole, pair[0]: pair[1]})
    inner = st.tuples(st.sampled_from(sorted(FINDING)), VALUES)
    return st.one_of(
        st.just(worded), broken, inner.map(lambda pair: {**whole, "open": [{**FINDING, pair[0]: pair[1]}]}), VALUES
    )


CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("error", "detail", "missing", "receipt", "signature", "rekey", "awaiting", "run"), VALUES),
        "judged": judgements(),
        "clock": SCALARS,
    },
)
STATUSES = st.sampled_from([200, 201, 202, 204, 302, 307, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503, 507])
OFTEN = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@contextmanager
def fresh(folder: Path, server: Server) -> Iterator[Pc]:
    """A PC for one example."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    yield Pc(new_home(folder), server)


@OFTEN
@given(status=STATUSES, content=CONTENTS, good=st.booleans())
def test_no_answer_makes_the_agent_do_anything(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, content: Any, good: bool
) -> None:
    with fresh(tmp_path / "home", server) as pc:
        server.requests.clear()
        server.reply = receipted(SERVER_KEY, status, content) if good else said(status, content)
        code = pc.run()
        clear(capsys.readouterr())
        assert code in ((0, 3, 5) if good else (3, 5))
        if not good or status not in (200, 202):
            assert pc.kept() == 1  # nothing leaves without its receipt
        assert {request.path for request in server.requests} <= {"/v1/reports", "/v1/keys"}
        # Whatever it was told, it goes on with a server that is one.
        server.reply = receipted(SERVER_KEY)
        assert pc.run() == 0
        assert len(Spool(pc.home).paths()) == 0
        clear(capsys.readouterr())


ENROLMENTS = st.fixed_dictionaries(
    {},
    optional={
        "agent": st.sampled_from([AGENT, "../../../../../../../../../../etc/x", "a" * 36, "\n" * 36]) | SCALARS,
        "unit": st.sampled_from(["信息科", TURNS, "A" * 3000, ""]) | SCALARS,
        "server_key": st.sampled_from([SERVER_KEY.public.hex(), "z" * 64, "\x1b" * 64, "A" * 64]) | SCALARS,
        "seq": st.sampled_from([0, 1, -1, 10**30, True]) | SCALARS,
        "digest": st.sampled_from([FIRST, "z" * 64, "\x00" * 64]) | SCALARS,
        "approved": SCALARS,
        "error": SCALARS,
        "detail": TEXTS,
    },
)


@OFTEN
@given(status=st.sampled_from([200, 201, 201, 302, 400, 401, 422, 500]), content=ENROLMENTS)
def test_no_answer_to_an_enrolment_makes_the_agent_do_anything(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, content: Any
) -> None:
    import shutil

    shutil.rmtree(tmp_path / "home", ignore_errors=True)
    pc = Pc(Home(str(tmp_path / "home")), server)
    server.reply = said(status, content)

    def enrol() -> int:
        try:
            bind(pc.home, server.url, "token", None)
        except Failure as failure:
            return failure.show(Words("en"))
        except http.Unreachable as error:
            return Failure(error.code, error.detail).show(Words("en"))
        return 0

    code = int(watched(pc, enrol))
    clear(capsys.readouterr())
    if code == 0:  # what it took can be read back, and a run goes on with it
        assert pc.home.enrolment() is not None
        pc.home.state()
    else:
        assert pc.home.enrolment() is None


@OFTEN
@given(status=STATUSES, content=CONTENTS)
def test_no_answer_to_a_change_of_key_takes_the_key_that_holds(
    server: Server, tmp_path: Path, status: int, content: Any
) -> None:
    with fresh(tmp_path / "home", server) as pc:
        before = pc.home.key.read_bytes()
        server.reply = said(status, content)
        try:
            outcome = watched(pc, lambda: rotation.change(pc.home, pc.enrolment))
        except Unusable:
            pytest.fail("the key is unusable")
        assert outcome.code is not None
        assert pc.home.key.read_bytes() == before


def test_the_watch_sees_what_it_looks_for(pc: Pc, tmp_path: Path) -> None:
    import subprocess

    def misdeeds() -> None:
        subprocess.run(["true"], check=True)
        (tmp_path / "outside").write_text("x")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", 9), 0.1)
        eval("1 + 1")

    with pytest.raises(AssertionError):
        watched(pc, misdeeds)
    seen = {line.split(" ")[0] for line in WATCH.found}
    assert {"subprocess.Popen", "open", "socket.connect", "compile"} <= seen
