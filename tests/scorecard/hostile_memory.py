"""Scorecard line 15: how much more memory a single hostile request makes a server take, each against a fresh process.

``python tests/scorecard/hostile_memory.py`` prints every request and the worst; the target is 20 MB. The peak is the
kernel's own (VmHWM, set back by clear_refs just before); one harmless request comes first, so that what any request
costs once is not counted.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import socket
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import served

from muster_agent.sending.envelope import FIRST, Envelope
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import ENCODING
from muster_server.store import agents, tokens
from muster_server.store.tokens import token_hash

WAIT = 60.0  # seconds for an answer


class Attacker:
    """Somebody with one PC's credential, and with a reader's of one unit."""

    def __init__(self, office: Any) -> None:
        from datetime import UTC, datetime, timedelta

        self.key = SigningKey.generate()
        self.viewer = f"Authorization: Bearer {office.credentials['viewer']}"
        self.administrator = f"Authorization: Bearer {office.credentials['administrator']}"
        database = office.deployment.database()
        now = datetime.now(UTC)
        with database.write() as connection:
            token = tokens.issue(connection, tokens.Terms("信息科"), "os:test", now, now + timedelta(hours=1))
            asked = agents.Request(self.key.public, token_hash(token), "evil", None, None, b"{}", bytes(64))
            agent = agents.enrol(connection, asked, now)
        database.close()
        assert agent is not None
        self.id = agent.id

    def report(self, body: bytes) -> bytes:
        """A report of any body at all, well signed."""
        digest = hashlib.sha256(body).hexdigest()
        envelope = Envelope(self.id, self.key.id, 1, FIRST, "-", "2026-11-24T08:00:00Z", ENCODING, digest).to_bytes()
        signed = [
            f"Muster-Envelope: {base64.b64encode(envelope).decode()}",
            f"Muster-Signature: {base64.b64encode(self.key.sign(envelope)).decode()}",
            "Content-Encoding: gzip",
        ]
        return request("POST", "/v1/reports", signed, body)


def request(method: str, path: str, headers: list[str], body: bytes = b"") -> bytes:
    """A request as it goes over the line."""
    head = [f"{method} {path} HTTP/1.1", "Host: a", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def bomb(size: int) -> bytes:
    """So many bytes of zeros as a few thousand."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


def claim(rows: int) -> bytes:
    """A body that says it has so many rows, and has them as far as fits."""
    some = ",".join('{"name":"a"}' for _ in range(min(rows, 600_000)))
    return gzip.compress(f'{{"agent_version":"1","bodies":{{"{"a" * 64}":[{some}]}}}}'.encode(), 1)


def act(attacker: Attacker, body: bytes) -> bytes:
    """An act by an administrator whose credential was stolen."""
    return request("POST", "/v1/acts/tokens.issue", [attacker.administrator, "Content-Type: application/json"], body)


REQUESTS: dict[str, Callable[[Attacker], bytes]] = {
    "B01 zip bomb, 200 MB in 200 kB": lambda one: one.report(bomb(200 << 20)),
    "B01 zip bomb, unsigned": lambda one: request("POST", "/v1/reports", ["Content-Encoding: gzip"], bomb(200 << 20)),
    "B03 many gzip members": lambda one: one.report(gzip.compress(b"{}") * 60_000),
    "B05 body of 2 MB and one": lambda one: one.report(bytes((2 << 20) + 1)),
    "B05 body of 2 MB": lambda one: one.report(gzip.compress(bytes(range(256)) * 8192, 0)[: 2 << 20]),
    "B07 a huge Authorization": lambda one: request("GET", "/v1/office", ["Authorization: Bearer " + "A" * 15_000]),
    "B07 a million headers": lambda one: request("GET", "/v1/office", ["a: b"] * 1_000_000),
    "B07 a header of 10 MB": lambda one: request("GET", "/v1/office", ["a: " + "b" * 10_000_000]),
    "B10 JSON 1,000,000 deep": lambda one: one.report(gzip.compress(b"[" * 1_000_000)),
    "B10 JSON 30,000 deep in an act": lambda one: act(one, b"[" * 30_000),
    "B12 a number of 60,000 digits": lambda one: act(one, b'{"uses":' + b"9" * 60_000 + b"}"),
    "B16 10 million rows claimed": lambda one: one.report(claim(10_000_000)),
    "B16 a string of 7 MB": lambda one: one.report(gzip.compress(json.dumps("a" * 7_000_000).encode())),
    "B16 a host name of 1 MB": lambda one: one.report(
        gzip.compress(json.dumps({"agent_version": "1", "hostname": "h" * 1_000_000}).encode())
    ),
    "a path of 15 kB": lambda one: request("GET", "/v1/pcs/" + "a" * 15_000, [one.viewer]),
    "a query of 15 kB": lambda one: request("GET", "/v1/office?" + "a=b&" * 3_700, [one.viewer]),
    "an act of 64 kB": lambda one: act(one, b'{"tags":[' + b'"a",' * 16_000 + b'"a"]}'),
    "an act of 10 MB": lambda one: act(one, b"[" + b"1," * 5_000_000 + b"1]"),
    "everything of the office": lambda one: request("GET", "/v1/office?all=1&columns=500&form=html", [one.viewer]),
}


def send(running: Any, data: bytes) -> bytes:
    """Send it and read the answer; the server may have had enough before the end of it."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=WAIT) as line:
        with contextlib.suppress(OSError):
            line.sendall(data)
        answer = b""
        with contextlib.suppress(OSError):
            while chunk := line.recv(65536):
                answer += chunk
    return answer


def send_all(running: Any) -> int:
    """Send every hostile request to one server; returns how many."""
    attacker = Attacker(running.office)
    for make in REQUESTS.values():
        send(running, make(attacker))
    return len(REQUESTS)


def measured(office: Any, make: Callable[[Attacker], bytes]) -> tuple[int, str]:
    """How many kB more at its peak, and the status of the answer."""
    attacker = Attacker(office)
    data = make(attacker)
    with served.serve(office) as running:
        send(running, request("GET", "/v1/office?form=html", [attacker.viewer]))
        send(running, attacker.report(gzip.compress(b"{}")))
        time.sleep(0.5)
        Path(f"/proc/{running.process.pid}/clear_refs").write_text("5")
        before = running.memory("VmRSS")
        answer = send(running, data)
        time.sleep(0.2)
        assert running.process.poll() is None, "the server has ended"
        return running.memory("VmHWM") - before, answer[9:12].decode("ascii", "replace") or "cut off"


def worst(only: str = "") -> tuple[int, str, list[str]]:
    """The worst of them in kB, which it was, and a line for each."""
    lines: list[str] = []
    found = (0, "")
    with tempfile.TemporaryDirectory() as folder:
        office = served.prepare(Path(folder))
        for name, make in REQUESTS.items():
            if only in name:
                more, status = measured(office, make)
                lines.append(f"{more / 1024:6.1f} MB  {status:8} {name}")
                found = max(found, (more, name))
    return found[0], found[1], lines


def megabytes() -> float:
    """The figure."""
    return worst()[0] / 1024


if __name__ == "__main__":
    most, which, every = worst(sys.argv[1] if len(sys.argv) > 1 else "")
    print("\n".join(every))
    print(f"worst: {most / 1024:.1f} MB ({which})")
