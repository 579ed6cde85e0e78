"""Reports over a network that cuts, stalls, doubles and corrupts every fifth connection: none counted twice, none lost.

    python tests/torture/cut_connections.py [REPORTS]

A small TCP proxy stands between agents and a real server. The agents are the real ones from their spool on: each signs,
lets the report wait on disk, and delivers it with its own code until a receipt is there. Only their patience is less
(sending/http.py waits 30 seconds for an answer).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import load

from muster_agent.facts import Boot, OsVersion, Table
from muster_agent.sending import http
from muster_agent.sending.home import Enrolment, Home, State
from muster_agent.sending.report import sign
from muster_agent.sending.send import deliver
from muster_agent.sending.spool import Spool
from muster_server.store.schema import reports as table
from muster_server.store.statements import everything, stored

PCS = 8
SHARE = 0.2  # of the connections that are harmed
HARMS = ("cut the request", "cut the answer", "stall", "double", "corrupt the request", "corrupt the answer")
PATIENCE = 0.5  # seconds an agent waits for an answer here
TRIES = 60  # runs a PC may need until everything is delivered


@dataclass
class Proxy:
    """What stands between."""

    to: int  # the server's port
    port: int = 0
    connections: int = 0
    harmed: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(23))

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        harm = self.chance.choice(HARMS) if self.chance.random() < SHARE else ""
        self.harmed[harm] += bool(harm)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            server = await asyncio.open_connection("127.0.0.1", self.to)
            double = await asyncio.open_connection("127.0.0.1", self.to) if harm == "double" else None
            try:
                ends = [server[1], double[1]] if double else [server[1]]
                asking = asyncio.ensure_future(self.pump(reader, ends, harm, "request"))
                answering = asyncio.ensure_future(self.pump(server[0], [writer], harm, "answer"))
                drained = [asyncio.ensure_future(self.pump(double[0], [], "", ""))] if double else []
                await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
                for task in (asking, answering, *drained):
                    task.cancel()
            finally:
                for end in (server, double):
                    if end is not None:
                        end[1].transport.abort()
        writer.transport.abort()

    async def pump(
        self, reader: asyncio.StreamReader, writers: list[asyncio.StreamWriter], harm: str, way: str
    ) -> None:
        """Bytes one way, until their harm is done."""
        at = self.chance.randrange(1, 1500 if way == "request" else 700)  # somewhere in the first message
        seen = 0
        while piece := await reader.read(65536):
            if harm == "cut the " + way and seen + len(piece) > at:
                for writer in writers:
                    writer.write(piece[: max(at - seen, 0)])
                    await writer.drain()
                return
            if harm == "stall" and way == "request" and seen + len(piece) > at:
                await asyncio.sleep(PATIENCE * 3)
                return
            if harm == "corrupt the " + way and seen <= at < seen + len(piece):
                piece = piece[: at - seen] + bytes([piece[at - seen] ^ 1]) + piece[at - seen + 1 :]
            seen += len(piece)
            for writer in writers:
                writer.write(piece)
                await writer.drain()


@contextmanager
def between(to: int) -> Iterator[Proxy]:
    """A proxy that runs in a thread of its own."""
    proxy = Proxy(to)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(proxy.take, "127.0.0.1", 0))
    proxy.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@dataclass
class Figures:
    """What came of it."""

    reports: int  # that were signed
    connections: int = 0
    harmed: Counter[str] = field(default_factory=Counter)
    doubled: int = 0  # numbers of a PC that are there twice, or that the server took for a conflict
    lost: int = 0  # reports that are neither with the server nor on the PC
    put_aside: int = 0  # damaged on the way three times running, and kept on the PC
    waiting: int = 0  # still in a spool
    forged: int = 0  # reports the server took in other bytes than were signed
    seconds: float = 0.0


def one_pc(home: Home, enrolment: Enrolment, pc: load.Pc, number: int, ready: set[str]) -> None:
    """Sign and deliver so many reports."""
    spool = Spool(home)
    for made in range(number):
        tables = {
            "os_version": Table((OsVersion(name="Debian", platform="debian", major=made // 3),)),
            "boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),)),
        }
        seq, signed = sign(tables, pc.id, pc.key, spool.last(home.state()), "2026-11-24T08:00:00Z")
        spool.put(seq, signed)
        ready.add(http_name(signed.envelope))
        deliver(home, spool, enrolment)
    for _ in range(TRIES):
        if not spool.paths():
            return
        deliver(home, spool, enrolment)


def http_name(envelope: bytes) -> str:
    """The name of a report."""
    from muster_agent.canonical import digest

    return digest(envelope)


def run(number: int, folder: Path) -> Figures:
    """Let so many reports through the proxy, then count."""
    began = time.monotonic()
    deployment = load.new_deployment(folder / "data")
    pcs = load.enrolled(deployment, PCS)
    key = deployment.key().public.hex()
    port, signed = load.free_port(), [set[str]() for _ in pcs]
    patience, http.TIME_LIMIT = http.TIME_LIMIT, PATIENCE
    homes = [Home(str(folder / f"pc{at}")) for at in range(PCS)]
    try:
        with load.serving(deployment.path, port), between(port) as proxy, ThreadPoolExecutor(PCS) as pool:
            jobs = []
            for pc, home, names in zip(pcs, homes, signed, strict=True):
                enrolment = Enrolment(f"http://127.0.0.1:{proxy.port}", pc.id, "load", key)
                home.enrol(enrolment, State())
                jobs.append(pool.submit(one_pc, home, enrolment, pc, number // PCS, names))
            for job in jobs:
                job.result()
    finally:
        http.TIME_LIMIT = patience
    found = Figures(sum(map(len, signed)), proxy.connections, proxy.harmed)
    database = deployment.database()
    try:
        with database.read() as connection:
            there = [stored(row) for row in connection.execute(everything().order_by(table.c.position))]
            conflicts = int(connection.exec_driver_sql("SELECT count(*) FROM conflicts").scalar() or 0)
    finally:
        database.close()
    numbers = Counter((one.envelope.agent, one.envelope.seq) for one in there)
    names = {one.envelope.digest for one in there}
    made = set[str]().union(*signed)
    found.doubled = sum(count - 1 for count in numbers.values()) + conflicts
    found.forged = len(names - made)
    found.waiting = sum(len(Spool(home).paths()) for home in homes)
    found.put_aside = sum(len(list(home.refused.glob("*.json"))) for home in homes)
    found.lost = len(made - names) - found.waiting - found.put_aside
    found.seconds = time.monotonic() - began
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        result = run(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, Path(place))
    harmed = sum(result.harmed.values())
    print(f"{result.reports:,} reports over {result.connections:,} connections, {harmed:,} of them harmed:")
    print("  " + ", ".join(f"{harm} {count:,}" for harm, count in sorted(result.harmed.items()) if harm))
    print(f"counted twice {result.doubled}, forged {result.forged}, lost {result.lost}")
    print(f"put aside {result.put_aside}, still waiting {result.waiting}; {result.seconds:.0f} s")
