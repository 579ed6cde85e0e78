"""The load: requests prepared beforehand, sent over kept connections by a process of its own.

    python benchmarks/loading.py PORT FILE LANES

Requests stand in FILE one after the other, each behind its length. Every connection ("lane") takes each LANES-th of
them, and sends the next when the last is answered, so that the reports of one PC stay in order when the number of PCs
is a multiple of LANES. Prints one line of JSON: what was answered, how long it took, and this process's own cost.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from muster_agent.sending.report import SignedReport

PATH = "/v1/reports"


def request_of(signed: SignedReport, path: str = PATH) -> bytes:
    """A report as an HTTP request, with the headers that the agent sends."""
    envelope, signature = base64.b64encode(signed.envelope), base64.b64encode(signed.signature)
    return (
        b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: muster-agent/0.2.0\r\nAccept-Encoding: identity\r\n"
        b"Content-Type: application/octet-stream\r\nContent-Encoding: gzip\r\nMuster-Envelope: %s\r\n"
        b"Muster-Signature: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (path.encode("ascii"), envelope, signature, len(signed.body), signed.body)
    )


def write(path: Path, requests: Iterable[bytes]) -> int:
    """Write a file of requests; returns how many."""
    count = 0
    with path.open("wb") as file:
        for request in requests:
            file.write(struct.pack("!I", len(request)) + request)
            count += 1
    return count


def read(path: Path) -> Iterator[bytes]:
    """The requests of a file."""
    data = memoryview(path.read_bytes())
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("!I", data, at)
        yield bytes(data[at + 4 : at + 4 + size])
        at += 4 + size


class Lane(asyncio.Protocol):
    """One connection: sends its requests one after the other."""

    def __init__(self, requests: list[bytes], statuses: Counter[int], waits: list[float]) -> None:
        self._requests, self._statuses, self._waits = requests, statuses, waits
        self._next = 0
        self._answer = bytearray()
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        if self._next == len(self._requests):
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(self._requests[self._next])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        """More of an answer."""
        self._answer += data
        head = self._answer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._answer.lower().find(b"content-length:")
        size = int(self._answer[at + 15 : self._answer.index(b"\r\n", at)])
        if len(self._answer) < head + 4 + size:
            return
        self._statuses[int(self._answer[9:12])] += 1
        self._waits.append(time.perf_counter() - self._sent)
        self._answer.clear()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended; before its time that is a failure of the whole run."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))


async def load(port: int, requests: list[bytes], lanes: int) -> dict[str, object]:
    """Send everything; returns what came of it."""
    statuses: Counter[int] = Counter()
    waits: list[float] = []
    loop = asyncio.get_running_loop()
    began, spent = time.perf_counter(), time.process_time()
    pending = []
    for lane in range(lanes):
        own = requests[lane::lanes]
        _, protocol = await loop.create_connection(lambda own=own: Lane(own, statuses, waits), "127.0.0.1", port)  # type: ignore[misc]
        pending.append(protocol.done)
    await asyncio.gather(*pending)
    seconds = time.perf_counter() - began
    waits.sort()
    return {
        "seconds": seconds,
        "statuses": dict(statuses),
        "rate": len(requests) / seconds,
        "p50": waits[len(waits) // 2],
        "p99": waits[len(waits) * 99 // 100],
        "client_cpu": time.process_time() - spent,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(int(sys.argv[1]), list(read(Path(sys.argv[2]))), int(sys.argv[3])))))
