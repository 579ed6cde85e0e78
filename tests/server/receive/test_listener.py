"""The listener against clients that are slow, many, or not what they seem: real sockets, real TLS, short deadlines."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muster_server.receive.encryption import Certificate
from muster_server.receive.limits import Limits
from muster_server.receive.listener import Listener, named
from muster_server.receive.metrics import Metrics

SHORT = Limits(handshake=0.4, head=0.4, request=0.8, idle=0.4, write=0.5, linger=0.3)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it was sent; some paths take their time, answer early, or answer much."""
    size, path = 0, scope["path"]
    if path == "/early":
        await answer(send, 415, b"no")
        return
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        if not message["more_body"]:
            break
    if path == "/slow":
        await asyncio.sleep(0.8)
    said = {"size": size, "path": path, "client": scope["client"][0], "scheme": scope["scheme"]}
    await answer(send, 200, b"x" * 30_000_000 if path == "/big" else json.dumps(said).encode())


async def answer(send: Any, status: int, body: bytes) -> None:
    """A whole answer."""
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": length})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Running:
    """A listener in a thread of its own."""

    listener: Listener
    metrics: Metrics
    port: int
    thread: threading.Thread

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """A connection from an address of loopback."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=(source, 0))

    def ask(self, request: bytes = GET, source: str = "127.0.0.1") -> tuple[int, bytes]:
        """The status and the body of one request."""
        with self.connect(source) as connection:
            connection.sendall(request)
            return one_answer(connection)

    def stop(self) -> None:
        """Stop it and wait."""
        self.listener.should_exit = True
        self.thread.join(15)
        assert not self.thread.is_alive()


def one_answer(connection: socket.socket) -> tuple[int, bytes]:
    """One answer with a length. Fails when the connection ends before."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        assert more, received
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        more = connection.recv(65536)
        assert more, received
        body += more
    return int(head.split()[1]), body


def rest(connection: socket.socket) -> tuple[bytes, float]:
    """What still comes, and the seconds until the connection ends."""
    began, received = time.monotonic(), b""
    try:
        while more := connection.recv(65536):
            received += more
    except (ConnectionResetError, BrokenPipeError):
        pass
    return received, time.monotonic() - began


Start = Callable[..., Running]


@pytest.fixture
def start(caplog: pytest.LogCaptureFixture) -> Iterator[Start]:
    """Starts listeners; at the end they stop, hold nothing, and have logged no fault of ours."""
    running: list[Running] = []

    def begin(limits: Limits = SHORT, certificate: Certificate | None = None, proxies: Any = ()) -> Running:
        server = socket.create_server(("127.0.0.1", 0), backlog=512)
        listener = Listener(application, [server], metrics := Metrics(), limits, certificate, proxies)
        thread = threading.Thread(target=listener.run)
        thread.start()
        running.append(Running(listener, metrics, server.getsockname()[1], thread))
        while not listener.started:
            time.sleep(0.01)
        return running[-1]

    with caplog.at_level(logging.WARNING):
        yield begin
        for one in running:
            one.stop()
            assert (one.listener.places.in_flight, one.metrics.connections.value()) == (0, 0)
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]
    assert not faults, faults


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], Certificate]:
    """Makes a certificate and its key in a folder."""

    def make(folder: Path, name: str) -> Certificate:
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        words += ["-subj", f"/CN={name}", "-days", "2", "-keyout", "key.new", "-out", "cert.new"]
        subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=60)
        for part in ("cert", "key"):
            (folder / f"{part}.new").replace(folder / f"{part}.pem")
        return Certificate(folder / "cert.pem", folder / "key.pem")

    return make


@pytest.fixture
def certificate(pair: Callable[[Path, str], Certificate], tmp_path: Path) -> Certificate:
    """A certificate."""
    return pair(tmp_path, "first")


def client_context() -> ssl.SSLContext:
    """A client that looks at no name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


# -- what is asked for ---------------------------------------------------------------------------------------------

TRICKS = {
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
    "the same length twice": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list of lengths": (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "a signed length": (POST + b"Content-Length: +3\r\n\r\nabc", 400),
    "a length of 5,000 digits": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    "a length of other digits": (POST + "Content-Length: ٣\r\n\r\nabc".encode(), 400),
    "length and chunks": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks and length": (POST + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", 400),
    "chunks twice": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "another transfer encoding": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "a hidden transfer encoding": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "chunks in 1.0": (b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "a chunk that is no number": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "a negative chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    "trailers": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n", 400),
    "a folded header": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
    "a folded length": (POST + b"Content-Length:\r\n 3\r\n\r\nabc", 400),
    "a lone line feed": (b"GET / HTTP/1.1\nHost: x\r\n\r\n", 400),
    "a lone carriage return": (b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400),
    "a blank before the colon": (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\n", 400),
    "NUL in a header": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    "a whole address": (b"GET http://other.example/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "an authority": (b"CONNECT other.example:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a star": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no slash": (b"GET v1/reports HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a blank in the path": (b"GET / x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/2 unasked": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a version of the future": (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505),
    "an empty line first": (b"\r\n" + GET, 400),
    "TLS on the plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, 400),
    "20 kB of headers": (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "20 kB of headers without end": (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 20_000, 431),
    "150 headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 150 + b"\r\n", 431),
}


@pytest.fixture(scope="module")
def plain() -> Iterator[Running]:
    """One listener for all the tricks."""
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener = Listener(application, [server], metrics := Metrics(), SHORT)
    thread = threading.Thread(target=listener.run)
    thread.start()
    yield (running := Running(listener, metrics, server.getsockname()[1], thread))
    running.stop()


@pytest.mark.parametrize("trick", TRICKS)
def test_B05_a_request_that_could_be_read_in_two_ways_is_refused(plain: Running, trick: str) -> None:
    request, status = TRICKS[trick]
    with plain.connect() as connection:
        connection.sendall(request + GET)
        found, body = one_answer(connection)
        assert found == status, body
        assert set(json.loads(body)) == {"error", "detail"}
        connection.shutdown(socket.SHUT_WR)
        after, _ = rest(connection)
    assert after == b""  # what followed was not answered: nothing was smuggled behind it
    assert plain.ask()[0] == 200


@pytest.fixture(scope="module")
def over_tls(pair: Callable[[Path, str], Certificate], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The same over TLS, as PCs reach it."""
    certificate = pair(tmp_path_factory.mktemp("tls"), "server")
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener = Listener(application, [server], metrics := Metrics(), SHORT, certificate)
    thread = threading.Thread(target=listener.run)
    thread.start()
    yield (running := Running(listener, metrics, server.getsockname()[1], thread))
    running.stop()


@pytest.mark.parametrize("trick", TRICKS)
def test_B05_a_refusal_reaches_the_client_over_tls_too(over_tls: Running, trick: str) -> None:
    request, status = TRICKS[trick]
    with client_context().wrap_socket(over_tls.connect()) as connection:
        connection.sendall(request + GET)
        found, body = one_answer(connection)
    assert found == status, body
    assert set(json.loads(body)) == {"error", "detail"}


def test_B06_who_is_too_slow_is_told_so_over_tls(over_tls: Running) -> None:
    with client_context().wrap_socket(over_tls.connect()) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\n")
        assert one_answer(connection)[0] == 408


def test_good_requests_are_answered(start: Start) -> None:
    running = start()
    with running.connect() as connection:
        for number in range(5):
            connection.sendall(POST + b"Content-Length: 4\r\n\r\nabcd")
            assert json.loads(one_answer(connection)[1])["size"] == 4, number
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert json.loads(one_answer(connection)[1])["size"] == 5
    with running.connect() as connection:
        connection.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received, _ = rest(connection)
    assert received.index(b'"/a"') < received.index(b'"/b"')
    with running.connect() as connection:
        connection.sendall(b"HEAD / HTTP/1.0\r\nHost: x\r\n\r\n")
        received, _ = rest(connection)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n")  # the head alone is sent too
    status, body = running.ask(POST + b"Content-Length: 1900000\r\n\r\n" + b"x" * 1_900_000)
    assert (status, json.loads(body)["size"]) == (200, 1_900_000)


def test_B05_a_client_that_waits_for_100_continue_gets_it_or_its_refusal(start: Start) -> None:
    running = start()
    expecting = b" HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    with running.connect() as connection:
        connection.sendall(b"POST /" + expecting)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"abc")
        assert one_answer(connection)[0] == 200
    with running.connect() as connection:
        connection.sendall(b"POST /early" + expecting)
        assert one_answer(connection)[0] == 415


def test_B05_a_body_that_breaks_after_its_answer_is_no_fault_of_ours(start: Start) -> None:
    running = start()
    with running.connect() as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert one_answer(connection)[0] == 415
        connection.sendall(b"zz\r\n")
        assert rest(connection)[0] == b""


def test_an_upgrade_is_not_heard(start: Start) -> None:
    for upgrade in (b"websocket", b"h2c"):
        request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n"
        assert start().ask(request)[0] == 200


# -- time ------------------------------------------------------------------------------------------------------------


def drip(connection: socket.socket, text: bytes) -> tuple[bytes, float]:
    """Send a byte every 50 ms until the connection ends; what came and the seconds it took."""
    began = time.monotonic()
    connection.settimeout(0.05)
    received = b""
    for position in range(200):
        try:
            connection.sendall(text[position % len(text) : position % len(text) + 1])
            more = connection.recv(65536)
            if not more:
                break
            received += more
        except TimeoutError:
            continue
        except OSError:
            break
    return received, time.monotonic() - began


SLOW = {
    "header": (b"", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100, SHORT.head),
    "body": (POST + b"Content-Length: 1000\r\n\r\n", b"x", SHORT.request),
    "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", SHORT.request),
    "second request": (GET, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100, SHORT.head),
}


@pytest.mark.parametrize("kind", SLOW)
def test_B06_a_byte_at_a_time_ends_at_the_deadline(start: Start, kind: str) -> None:
    begin, text, deadline = SLOW[kind]
    running = start()
    with running.connect() as connection:
        connection.sendall(begin)
        if kind == "second request":
            assert one_answer(connection)[0] == 200
        received, seconds = drip(connection, text)
    assert b" 408 " in received
    assert deadline - 0.1 < seconds < deadline + SHORT.linger + 0.8
    phase = "body" if deadline == SHORT.request else "head"
    assert running.metrics.timed_out.value(phase) == 1


def test_B06_silence_ends_without_a_word(start: Start) -> None:
    running = start()
    with running.connect() as connection:
        received, seconds = rest(connection)
    assert (received, seconds < SHORT.head + 0.8) == (b"", True)
    with running.connect() as connection:
        connection.sendall(GET)
        one_answer(connection)
        received, seconds = rest(connection)
    assert (received, seconds < SHORT.idle + 0.8) == (b"", True)
    assert running.metrics.timed_out.value("idle") == 1


def test_B06_a_body_that_stops_after_its_answer_ends_too(start: Start) -> None:
    with start().connect() as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
        assert one_answer(connection)[0] == 415
        received, seconds = rest(connection)
    assert (received, seconds < SHORT.request + 0.8) == (b"", True)


@pytest.mark.parametrize("encrypted", [False, True])
def test_B06_an_answer_that_is_not_read_ends_at_the_deadline(
    start: Start, certificate: Certificate, encrypted: bool
) -> None:
    running = start(certificate=certificate if encrypted else None)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", running.port))
    if encrypted:
        connection = client_context().wrap_socket(connection)
    with connection:
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        deadline = time.monotonic() + 5
        while running.metrics.timed_out.value("answer") == 0:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert running.metrics.connections.value() == 0


def test_a_slow_reader_that_goes_on_reading_gets_everything(start: Start, certificate: Certificate) -> None:
    for made in (None, certificate):
        running = start(Limits(write=0.4, linger=0.2), made)
        connection = running.connect()
        if made is not None:
            connection = client_context().wrap_socket(connection)
        with connection:
            connection.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            received = 0
            while more := connection.recv(1_000_000):
                received += len(more)
                time.sleep(0.0005 if made is not None else 0.04)
        assert received > 30_000_000


def test_B06_half_open_handshakes_end_at_the_deadline(start: Start, certificate: Certificate) -> None:
    running = start(certificate=certificate)
    with running.connect() as silent, running.connect() as half:
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        assert rest(half)[1] < SHORT.handshake + 0.8
        rest(silent)
    assert running.metrics.timed_out.value("handshake") == 2


# -- number and bytes ------------------------------------------------------------------------------------------------


def test_B06_a_full_server_gives_the_place_of_who_waits_longest(start: Start) -> None:
    running = start(Limits(connections=10))
    with running.connect("127.0.0.1") as good:
        good.sendall(GET)
        assert one_answer(good)[0] == 200
        attackers = [running.connect("127.0.0.9") for _ in range(40)]
        for _ in range(20):
            assert running.ask()[0] == 200
            assert running.metrics.connections.value() <= 10
        good.sendall(GET)  # older than all of them, but the only one of its address
        assert one_answer(good)[0] == 200
        for attacker in attackers:
            attacker.close()
    assert running.metrics.evicted.value("place") >= 31


def test_B06_when_every_place_is_in_work_the_next_is_told_to_come_again(start: Start) -> None:
    running = start(Limits(connections=2))
    slow = [running.connect() for _ in range(2)]
    for connection in slow:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.3)
    with running.connect() as third:
        received, _ = rest(third)
    assert received.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 30" in received
    for connection in slow:
        assert one_answer(connection)[0] == 200
        connection.close()


def test_B06_bodies_that_stall_do_not_fill_the_memory(start: Start) -> None:
    running = start(Limits(bytes=300_000))
    stalled = [running.connect("127.0.0.9") for _ in range(8)]
    for connection in stalled:
        connection.sendall(POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 90_000)
        time.sleep(0.02)
        assert running.listener.places.in_flight <= 300_000
    for _ in range(3):
        assert running.ask(POST + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000)[0] == 200
    assert running.metrics.evicted.value("bytes") >= 5
    for connection in stalled:
        connection.close()
    status, body = running.ask(POST + b"Content-Length: 400000\r\n\r\n" + b"x" * 400_000)
    assert (status, json.loads(body)["error"]) == (503, "busy")  # more than there is room for at all


def test_the_listener_survives_when_no_descriptors_are_left() -> None:
    code = """
import resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
from muster_server.receive.listener import Listener
from muster_server.receive.metrics import Metrics
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
server = socket.create_server(("127.0.0.1", 0), backlog=512)
print(server.getsockname()[1], flush=True)
Listener(app, [server], Metrics()).run()
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(60)]
            time.sleep(0.3)
            before = processor_seconds(process.pid)
            time.sleep(1)
            busy = processor_seconds(process.pid) - before
            began = time.monotonic()
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                    connection.sendall(GET)
                    assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
            under_pressure = time.monotonic() - began
            for connection in idle:
                connection.close()
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(GET)
                assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=20)
    assert busy < 0.3, "a busy loop"
    assert under_pressure < 30
    assert "Traceback" not in said


def processor_seconds(pid: int) -> float:
    """Processor time a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- TLS -------------------------------------------------------------------------------------------------------------


def test_a_handshake_that_is_reset_or_is_none_harms_nobody(start: Start, certificate: Certificate) -> None:
    running = start(certificate=certificate)
    with running.connect() as plain_speaker:
        plain_speaker.sendall(GET)
        assert b"200" not in rest(plain_speaker)[0]
    for sent in (b"", b"\x16\x03\x01\x02\x00\x01\x00"):
        connection = running.connect()
        connection.sendall(sent)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()  # a reset, not an end
    with client_context().wrap_socket(running.connect()) as good:
        good.sendall(GET)
        status, body = one_answer(good)
    assert (status, json.loads(body)["scheme"]) == (200, "https")
    assert running.metrics.handshakes_failed.value() == 3


def test_tls_is_1_2_or_newer_and_nothing_weak(start: Start, certificate: Certificate) -> None:
    running = start(certificate=certificate)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client_context()
        context.minimum_version = context.maximum_version = version
        with context.wrap_socket(running.connect()) as connection:
            assert connection.compression() is None
            cipher = connection.cipher()
            assert cipher is not None
            assert cipher[2] >= 128
    assert certificate.context.minimum_version == ssl.TLSVersion.TLSv1_2
    for name in (entry["name"] for entry in certificate.context.get_ciphers()):
        assert name.startswith(("TLS_", "ECDHE-")), name
    assert certificate.context.options & ssl.OP_NO_RENEGOTIATION
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{running.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
    )
    assert done.returncode != 0


def name_of(running: Running) -> bytes:
    """The certificate a new connection is shown."""
    with client_context().wrap_socket(running.connect()) as connection:
        return connection.getpeercert(binary_form=True) or b""


def test_a_renewed_certificate_needs_no_restart(
    start: Start, pair: Callable[[Path, str], Certificate], tmp_path: Path
) -> None:
    certificate = pair(tmp_path, "first")
    running = start(certificate=certificate)
    with client_context().wrap_socket(running.connect()) as before:
        first = name_of(running)
        pair(tmp_path, "second")
        assert certificate.renew()
        assert not certificate.renew()
        assert name_of(running) != first
        before.sendall(GET)
        assert one_answer(before)[0] == 200  # who was there goes on


def test_a_renewal_that_does_not_fit_is_not_taken(
    pair: Callable[[Path, str], Certificate], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = pair(tmp_path, "first")
    context = certificate.context
    (tmp_path / "key.pem").write_text("not a key")
    assert not certificate.renew()
    (tmp_path / "key.pem").unlink()
    assert not certificate.renew()
    assert certificate.context is context
    pair(tmp_path, "second")
    assert certificate.renew()
    assert [record.event for record in caplog.records] == ["certificate_not_renewed"] * 2  # type: ignore[attr-defined]


# -- proxies, and the end --------------------------------------------------------------------------------------------


def test_behind_a_proxy_nobody_else_is_heard(start: Start) -> None:
    proxied = start(proxies=[ipaddress.ip_network("127.0.0.5")])
    forwarded = b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.9.8.7\r\n\r\n"
    assert json.loads(proxied.ask(forwarded, "127.0.0.5")[1])["client"] == "10.9.8.7"
    with proxied.connect("127.0.0.1") as other:
        assert rest(other)[0] == b""
    assert proxied.metrics.refusals.value("not_the_proxy") == 1
    assert json.loads(start().ask(forwarded)[1])["client"] == "127.0.0.1"  # nobody is believed without --proxy


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("10.0.0.7", True),
        ("::ffff:10.0.0.7", True),
        ("10.0.1.7", False),
        ("fe80::1%eth0", True),
        ("::1", False),
        ("", False),
    ],
)
def test_a_proxy_is_named_by_address_or_network(address: str, there: bool) -> None:
    assert named(address, [ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("fe80::/64")]) is there


def test_a_stop_finishes_what_is_in_work_and_waits_for_nobody_else(start: Start, certificate: Certificate) -> None:
    for made in (None, certificate):
        running = start(Limits(linger=0.3), made)
        wrap = client_context().wrap_socket if made else lambda connection: connection
        idle, work, half = wrap(running.connect()), wrap(running.connect()), running.connect()
        work.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        began = time.monotonic()
        running.listener.should_exit = True
        assert one_answer(work)[0] == 200
        running.stop()
        assert time.monotonic() - began < 4
        for connection in (idle, work, half):
            connection.close()
