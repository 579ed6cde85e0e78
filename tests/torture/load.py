"""Signed reports under way to a real server: PCs with keys of their own, and a ledger of what was acknowledged.

The PCs live in this process and speak HTTP over plain sockets; what they send is what agents send. A report counts as
acknowledged only when the server's signed receipt names it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from muster_agent.facts import Boot, Package, SystemInfo, Table, Tables
from muster_agent.sending.envelope import FIRST, Envelope, Receipt
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey, verify
from muster_agent.sending.report import SignedReport, sign
from muster_agent.sending.send import headers_of
from muster_server.deployment import Deployment
from muster_server.store import agents, tokens
from muster_server.store.tokens import Terms, token_hash

WORDS = [sys.executable, "-m", "muster_server"]
START_LIMIT = 60.0  # seconds


@dataclass
class Pc:
    """One PC: its key, where its chain stands, and the report that has no receipt yet."""

    id: str
    key: SigningKey
    last: State = field(default_factory=lambda: State(0, FIRST, []))
    waiting: SignedReport | None = None
    changes: int = 0

    def tables(self, packages: int = 3) -> Tables:
        """What it says of itself."""
        return {
            "system_info": Table((SystemInfo(hostname=self.id[:8]),)),
            "boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),)),
            "packages": Table(tuple(Package(name=f"p{n}", version=f"{self.changes}.{n}") for n in range(packages))),
        }

    def next(self, packages: int = 3) -> SignedReport:
        """The report to send: the one that waits, else a new one. Every third has other facts than the one before."""
        if self.waiting is None:
            self.changes += self.last.seq % 3 == 0
            self.waiting = sign(self.tables(packages), self.id, self.key, self.last, "2026-11-24T08:00:00Z")[1]
        return self.waiting

    def acknowledged(self, receipt: Receipt) -> None:
        """Go on after a receipt for the waiting report."""
        assert self.waiting is not None
        self.last = State(receipt.seq, receipt.report, list(self.waiting.digests()))
        self.waiting = None


@dataclass
class Ledger:
    """What the server has put its name to, and how it answered otherwise."""

    receipts: list[Receipt] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    broken: int = 0  # connections that ended without an answer
    seconds: list[float] = field(default_factory=list)  # of each acknowledged report
    stopped: bool = False  # set to end the load before its time


def enrolled(deployment: Deployment, number: int) -> list[Pc]:
    """So many PCs, taken in directly: enrolling is not what is tested here."""
    database = deployment.database()
    now = datetime.now(UTC)
    made = []
    try:
        with database.write() as connection:
            token = tokens.issue(connection, Terms("load", number), "os:test", now, now + timedelta(days=1))
            for n in range(number):
                key = SigningKey.generate()
                asked = agents.Request(key.public, token_hash(token), f"pc{n}", None, None, b"{}", bytes(64))
                agent = agents.enrol(connection, asked, now)
                assert agent is not None
                made.append(Pc(agent.id, key))
    finally:
        database.close()
    return made


@contextmanager
def serving(
    data: Path, port: int, *options: str, wrapped: Sequence[str] = (), program: Sequence[str] = WORDS
) -> Iterator[subprocess.Popen[str]]:
    """A server process that listens; ``wrapped`` is what it is started by (strace …). Killed at the end."""
    line = [*wrapped, *program, "--data", str(data), "--lang", "en", "serve", "--port", str(port), *options]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if "http" not in said:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(said + process.communicate()[1])
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):  # whoever wrapped it would leave it behind
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def request_of(signed: SignedReport) -> bytes:
    """The bytes of the request that carries a report."""
    headers = {"Host": "127.0.0.1", "Content-Length": str(len(signed.body)), **headers_of(signed)}
    head = "POST /v1/reports HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return head.encode("ascii") + b"\r\n" + signed.body


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer. Raises ``asyncio.IncompleteReadError`` or ``OSError``."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
    return int(lines[0].split(" ")[1]), await reader.readexactly(length)


def receipt_of(body: bytes, server_key: bytes, signed: SignedReport) -> Receipt:
    """The receipt in an answer; it must be the server's and name this very report."""
    answer = json.loads(body)
    data = base64.b64decode(answer["receipt"])
    assert verify(server_key, base64.b64decode(answer["signature"]), data), "a receipt the server did not sign"
    receipt = Receipt.parse(data)
    assert receipt.report == Envelope.parse(signed.envelope).digest, "a receipt for another report"
    return receipt


async def send(pc: Pc, url: str, server_key: bytes, ledger: Ledger, until: float) -> None:
    """Let a PC report again and again over one connection after the other, until a moment of the clock."""
    address = urlsplit(url)
    assert address.hostname is not None
    while time.monotonic() < until and not ledger.stopped:
        try:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        try:
            while time.monotonic() < until and not ledger.stopped:
                signed = pc.next()
                began = time.monotonic()
                writer.write(request_of(signed))
                status, body = await asyncio.wait_for(answer_of(reader), 60)
                ledger.statuses[status] = ledger.statuses.get(status, 0) + 1
                if status in (200, 202):
                    receipt = receipt_of(body, server_key, signed)
                    pc.acknowledged(receipt)
                    ledger.receipts.append(receipt)
                    ledger.seconds.append(time.monotonic() - began)
                else:
                    await asyncio.sleep(0.05)
        except (OSError, EOFError, TimeoutError):
            ledger.broken += 1
        finally:
            writer.close()


def load(pcs: list[Pc], url: str, server_key: bytes, ledger: Ledger, seconds: float) -> None:
    """All PCs report at once for so long."""

    async def everybody() -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(send(pc, url, server_key, ledger, until) for pc in pcs))

    asyncio.run(everybody())


def lost(deployment: Deployment, ledger: Ledger) -> list[Receipt]:
    """The acknowledged reports that are not in the database exactly as the receipt says."""
    from muster_server.store.statements import everything, stored

    database = deployment.database()
    try:
        with database.read() as connection:
            kept = {one.position: one.receipt for one in map(stored, connection.execute(everything()))}
    finally:
        database.close()
    return [receipt for receipt in ledger.receipts if kept.get(receipt.position) != receipt]


def broken_chain(deployment: Deployment) -> list[int]:
    """The positions at which the server's chain does not follow from the one before, or a number came twice."""
    from muster_agent.sending.envelope import chain_head
    from muster_server.store.schema import moment_text, reports
    from muster_server.store.statements import everything, stored

    database = deployment.database()
    wrong = []
    head, position = FIRST, 0
    seen: set[tuple[str, int]] = set()
    try:
        with database.read() as connection:
            for one in map(stored, connection.execute(everything().order_by(reports.c.position))):
                head = chain_head(head, one.envelope.digest, moment_text(one.received_at))
                position += 1
                number = (one.envelope.agent, one.envelope.seq)
                if one.chain != head or one.position != position or number in seen:
                    wrong.append(one.position)
                seen.add(number)
    finally:
        database.close()
    return wrong


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_deployment(folder: Path) -> Deployment:
    """A deployment to be tortured."""
    from muster_server.words import Words

    return Deployment.create(folder, "torture", Words("en"))


def count(deployment: Deployment) -> int:
    """How many reports the database holds."""
    from muster_server.store import history

    database = deployment.database()
    try:
        with database.read() as connection:
            return history.count(connection)
    finally:
        database.close()
