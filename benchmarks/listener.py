"""What our listener costs beside uvicorn's own: the same trivial application, the same requests, the same run.

    .venv/bin/python benchmarks/listener.py

    .venv/bin/python benchmarks/listener.py CERT.pem     the same over TLS (the key in CERT.key)

CLIENTS clients ask at once, so that the server always has work: with one, most of what is measured is how two processes
wake each other. Prints requests a second and microseconds of the server's own processor time a request, for requests on
kept connections and for a connection each. Medians of ROUNDS servers each, taken in turn.
"""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROUNDS = 7
REQUESTS = 6000
WARM = 300
CLIENTS = 16
BODY = b"x" * 400  # an unchanged report
REQUEST = (
    b"POST /v1/reports HTTP/1.1\r\nHost: 127.0.0.1:8470\r\nUser-Agent: muster/0.2\r\nAccept-Encoding: identity\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Encoding: gzip\r\nMuster-Envelope: " + b"A" * 400 + b"\r\n"
    b"Muster-Signature: " + b"B" * 88 + b"\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
)
KINDS = ("uvicorn", "muster")


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body and answers two bytes."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def serve(kind: str, certificate: str = "") -> None:
    """One of the two servers, until it is told to stop; prints its port."""
    import uvicorn

    from muster_server.receive.encryption import Certificate
    from muster_server.receive.listener import BACKLOG, Listener
    from muster_server.receive.metrics import Metrics

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(BACKLOG)
    print(listener.getsockname()[1], flush=True)
    cert, key = (Path(certificate), Path(certificate).with_suffix(".key")) if certificate else (None, None)
    if kind == "muster":
        made = Certificate(cert, key) if cert is not None and key is not None else None
        Listener(application, [listener], Metrics(), certificate=made).run()
        return
    config = uvicorn.Config(
        application,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=1000,
        timeout_keep_alive=15,
        ssl_certfile=cert,
        ssl_keyfile=key,
    )
    uvicorn.Server(config).run(sockets=[listener])


def connect(port: int, context: ssl.SSLContext | None) -> socket.socket:
    """A connection, with TLS when there is a context."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as the agent and browsers do
    return connection if context is None else context.wrap_socket(connection)


def ask(port: int, kept: bool, context: ssl.SSLContext | None, count: int) -> None:
    """``count`` requests of CLIENTS clients at once."""
    with selectors.DefaultSelector() as selector:

        def begin() -> None:
            connection = connect(port, context)
            connection.sendall(REQUEST)
            selector.register(connection, selectors.EVENT_READ, bytearray())

        for _ in range(CLIENTS):
            begin()
        asked, answered = CLIENTS, 0
        while answered < count:
            for key, _ in selector.select(30):
                connection, answer = key.fileobj, key.data
                assert isinstance(connection, socket.socket)
                more = connection.recv(65536)
                if not more:
                    raise SystemExit(f"the server closed: {bytes(answer)!r}")
                answer += more
                if not answer.endswith(b"\r\n\r\nok"):
                    continue
                answered += 1
                answer.clear()
                if kept and asked < count:
                    connection.sendall(REQUEST)
                    asked += 1
                    continue
                selector.unregister(connection)
                connection.close()
                if asked < count:
                    begin()
                    asked += 1


def cpu(pid: int) -> float:
    """Seconds of processor time a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(port: int, pid: int, kept: bool, context: ssl.SSLContext | None, count: int) -> tuple[float, float]:
    """Requests a second, and microseconds of the server's processor time a request."""
    began, spent = time.perf_counter(), cpu(pid)
    ask(port, kept, context, count)
    return count / (time.perf_counter() - began), (cpu(pid) - spent) / count * 1e6


def main(certificate: str = "") -> None:
    """Both servers in turn, and what they cost."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    count = REQUESTS // 3 if certificate else REQUESTS
    found: dict[tuple[bool, str], list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for kind in KINDS:
            line = [sys.executable, __file__, "serve", kind, certificate]
            with subprocess.Popen(line, stdout=subprocess.PIPE) as server:  # noqa: S603  # this file
                assert server.stdout is not None
                port = int(server.stdout.readline())
                measure(port, server.pid, True, context, WARM)
                for kept in (True, False):
                    found.setdefault((kept, kind), []).append(measure(port, server.pid, kept, context, count))
                server.terminate()
    print(f"{'':22} {'uvicorn':>18} {'muster':>18}   muster/uvicorn")
    for kept, name in ((True, "kept connections"), (False, "a connection each")):
        for index, unit in ((0, "requests/s"), (1, "µs of CPU")):
            left, right = (statistics.median(run[index] for run in found[kept, kind]) for kind in KINDS)
            print(f"{name if index == 0 else '':22} {left:7.0f} {unit:10} {right:7.0f} {unit:10} {right / left:9.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
