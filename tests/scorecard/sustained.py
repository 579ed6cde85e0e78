"""Scorecard 30: what one `muster serve --tls` takes in while it judges, and what one run costs a PC.

    .venv/bin/python tests/scorecard/sustained.py            10,000 PCs, a minute of load: two minutes and more in all
    .venv/bin/python tests/scorecard/sustained.py --quick    300 PCs, five seconds, to see that it runs

Every PC has reported once before: 800 packages, 30 ports (benchmarks/fleet.py). Then, for the time of the measurement,
PCs report one after the other over a new TLS connection each, as agents do; of 33 one has changed. The server's thread
judges all PCs once and then whoever has reported, with the shipped policies. Server and PCs share this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "torture"), str(HERE.parent.parent / "benchmarks")]

import fleet  # noqa: E402
import loading  # noqa: E402
import slow_clients  # noqa: E402
from card import Measured  # noqa: E402

from muster_server.deployment import Deployment  # noqa: E402
from muster_server.receive.door import check_report  # noqa: E402
from muster_server.store import keys, standings, tokens  # noqa: E402
from muster_server.store.reports import accept_all  # noqa: E402
from muster_server.store.tokens import Terms  # noqa: E402

PCS, SECONDS, LANES = 10_000, 60.0, 24
CHANGED = 33  # one PC in so many has changed
BATCH = 100
RATE, P99, SERVER_RSS, AGENT_RSS, AGENT_CPU = 200.0, 1.0, 400.0, 60.0, 5.0  # the targets
# A child's peak counts the memory of its parent at the fork, so the parent has to be a small one.
ALONE = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
print(used.ru_maxrss / 1024, used.ru_utime + used.ru_stime, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass
class Found:
    """What was measured."""

    pcs: int
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)  # seconds from the connection to the whole answer, sorted
    answers: Counter[str] = field(default_factory=Counter)
    server_rss: float = 0.0  # megabytes at most
    server_cpu: float = 0.0  # seconds during the measurement
    judged: int = 0  # PCs judged by its end
    agent_rss: float = 0.0
    agent_cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Acknowledged reports a second."""
        return self.answers["202"] / self.seconds

    def p(self, percent: int) -> float:
        """A percentile, in seconds."""
        return self.waits[min(len(self.waits) * percent // 100, len(self.waits) - 1)]

    @property
    def met(self) -> bool:
        """Whether every target is."""
        good = set(self.answers) == {"202"} and self.rate >= RATE and self.p(99) < P99 and self.judged > 0
        return good and self.server_rss <= SERVER_RSS and self.agent_rss <= AGENT_RSS and self.agent_cpu <= AGENT_CPU

    def __str__(self) -> str:
        return (
            f"{self.rate:.0f} reports/s, p50 {self.p(50) * 1000:.0f} ms, p99 {self.p(99) * 1000:.0f} ms; "
            f"server {self.server_rss:.0f} MB at {self.pcs:,} PCs; "
            f"agent {self.agent_rss:.0f} MB, {self.agent_cpu:.2f} CPU s a run"
        )


@dataclass
class Reporting:
    """A PC and what it has to say, encoded beforehand."""

    pc: fleet.Pc
    bodies: list[bytes]  # the last one again and again

    def request(self) -> bytes:
        """Its next report, as an HTTP request."""
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        return loading.request_of(self.pc.sign(body))


def prepare(data: Path, count: int) -> list[Reporting]:
    """Let the deployment know the PCs and their tables."""
    deployment = Deployment(data)
    database, key = deployment.database(), deployment.key()
    office = fleet.Fleet()
    pcs = list(office.pcs(count))
    fleet.enrol(database, pcs, datetime.now(UTC))
    made = []
    for start in range(0, count, BATCH):
        some = pcs[start : start + BATCH]
        signed = [pc.sign(office.full(pc, 1)) for pc in some]
        with database.write() as connection:
            incoming = [check_report(one, lambda agent, id: keys.find(connection, agent, id)) for one in signed]
            accept_all(connection, incoming, datetime.now(UTC), key.sign)
        for pc in some:
            bodies = []
            if pc.number % CHANGED == 0:
                pc.changes = {"antivirus": 1, "updates": 1}
                bodies.append(office.carrying(pc, pc.changes))
            made.append(Reporting(pc, [*bodies, office.carrying(pc, ())]))
    database.close()
    return made


async def one(port: int, trust: ssl.SSLContext, request: bytes) -> str:
    """One report over a connection of its own; how it was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        return head[9:12].decode("ascii")
    finally:
        writer.close()


async def load(port: int, trust: ssl.SSLContext, reporting: list[Reporting], seconds: float, found: Found) -> None:
    """All lanes for so long; a PC stays in its lane, so that its reports stay in order."""
    end = time.monotonic() + seconds

    async def lane(own: list[Reporting]) -> None:
        while True:
            for each in own:
                if time.monotonic() >= end:
                    return
                request = each.request()
                began = time.monotonic()
                try:
                    answer = await asyncio.wait_for(one(port, trust, request), 30)
                except (OSError, EOFError, TimeoutError) as error:
                    answer = type(error).__name__
                found.answers[answer] += 1
                found.waits.append(time.monotonic() - began)

    began = time.monotonic()
    await asyncio.gather(*(lane(reporting[number::LANES]) for number in range(min(LANES, len(reporting)))))
    found.seconds = time.monotonic() - began
    found.waits.sort()


def agent_runs(server: slow_clients.Server, token: str, home: Path, found: Found, times: int = 3) -> None:
    """What `muster-agent run` costs a real process, first run and later ones: the most of each."""
    agent = [sys.executable, "-m", "muster_agent", "--lang", "en"]
    where = ["--home", str(home)]
    line = [*agent, "enrol", server.url, "--ca", server.ca, *where]
    subprocess.run(line, input=token + "\n", text=True, check=True, capture_output=True, timeout=120)
    for _ in range(times):
        alone = [sys.executable, "-I", "-S", "-c", ALONE, *agent, "run", *where]
        said = subprocess.run(alone, check=True, capture_output=True, text=True, timeout=120)
        megabytes, used = said.stderr.split()[-2:]
        found.agent_rss = max(found.agent_rss, float(megabytes))
        found.agent_cpu = max(found.agent_cpu, float(used))


def judged(data: Path) -> int:
    """How many PCs the server has judged."""
    database = Deployment(data).database()
    try:
        with database.read() as connection:
            return len(list(standings.since(connection, 0)))
    finally:
        database.close()


def run(folder: Path, pcs: int = PCS, seconds: float = SECONDS, say: Any = lambda text: None) -> Found:
    """Measure in an empty folder."""
    found = Found(pcs)
    data = folder / "data"
    muster = [sys.executable, "-m", "muster_server", "--lang", "en", "--data", str(data)]
    subprocess.run([*muster, "init", "--host", "127.0.0.1"], check=True, capture_output=True, timeout=120)
    began = time.monotonic()
    reporting = prepare(data, pcs)
    now = datetime.now(UTC)
    database = Deployment(data).database()
    with database.write() as connection:
        token = tokens.issue(connection, Terms("信息科", 1), "os:test", now, now + timedelta(days=1))
    database.close()
    say(f"{pcs:,} PCs enrolled, each with one full report: {time.monotonic() - began:.0f} s")
    with slow_clients.served(data, folder / "serve.log") as server:
        trust = ssl.create_default_context(cafile=server.ca)
        before = server.processor()
        asyncio.run(load(server.port, trust, reporting, seconds, found))
        found.server_cpu = server.processor() - before
        say(f"server: {found.server_cpu:.1f} CPU s in {found.seconds:.0f} s")
        agent_runs(server, token, folder / "home", found)
        found.server_rss = server.memory("VmHWM")
        found.judged = judged(data)
    say(f"answers: {dict(found.answers)}; judged: {found.judged:,}")
    return found


def figure(folder: Path) -> Measured:
    """The line of the card."""
    found = run(folder)
    return Measured(str(found), found.met)


def main() -> int:
    """Print what is measured."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--pcs", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=None)
    asked = parser.parse_args()
    pcs = asked.pcs or (300 if asked.quick else PCS)
    seconds = asked.seconds or (5.0 if asked.quick else SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), pcs, seconds, lambda text: print(text, flush=True))
    print(found)
    print("target: >= 200 reports/s, p99 < 1 s; <= 400 MB; <= 60 MB, <= 5 CPU s:", "met" if found.met else "NOT met")
    return 0 if found.met else 1


if __name__ == "__main__":
    raise SystemExit(main())
