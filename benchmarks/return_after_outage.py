"""Agents that all come back after an outage: lost reports, time to drain, and whether pages can still be read.

    python benchmarks/return_after_outage.py [--agents N] [--reports N]

A real `muster serve --tls` with its judging thread, in a process of its own. N agents with eight waiting reports each
(an hourly report, eight hours) come within the same minute, over TLS, and keep to the agent's own rules
(muster_agent.sending.pace): after the first delivered report a random moment of two minutes, Retry-After obeyed with up
to a fifth more, and full jitter after a connection that failed. Meanwhile PAGE is asked for twice a second over a new
TLS connection each. Everything shares this machine's processors. Goals: nothing lost, PAGE under 2 s (99th percentile),
drained in 30 minutes. Full size: --agents 10000.
"""

# ruff: noqa: S311, S603  # waits are random, not secret; the commands below are written here

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import fleet
import loading
import receiving
from sqlalchemy import func, select

from muster_agent.sending.pace import SHORT, SPREAD, longer, wait_after
from muster_server.deployment import Deployment
from muster_server.receive.door import check_report
from muster_server.store import keys
from muster_server.store.reports import accept_all
from muster_server.store.schema import reports

MUSTER = Path(sys.executable).parent / "muster"
PAGE = "/readyz"  # what is asked for meanwhile
MINUTE = 60.0  # seconds in which every agent comes for the first time
LIMIT = 30 * 60.0  # seconds after which the run is given up
BATCH = 100
PAGE_GOAL = 2.0  # seconds


class Office:
    """The agents, where the server is, and what came of it."""

    def __init__(self, port: int, trust: ssl.SSLContext) -> None:
        self.port, self.trust = port, trust
        self.answers: Counter[str] = Counter()
        self.pages: list[float] = []
        self.handshakes = 0
        self.left = 0

    async def ask(self, line: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> tuple[int, bytes]:
        """One request on an open line; the status and the head of the answer."""
        reader, writer = line
        writer.write(request)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        found = re.search(rb"(?i)content-length: *(\d+)", head)
        await reader.readexactly(int(found.group(1)) if found else 0)
        return int(head[9:12]), head

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new TLS connection, its certificate verified."""
        self.handshakes += 1
        return await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port, ssl=self.trust), 30)

    async def agent(self, waiting: list[bytes]) -> None:
        """One agent, from the minute all come until it has delivered everything."""
        await asyncio.sleep(random.uniform(0, MINUTE))
        failures, delivered = 1, 0  # it has failed during the outage
        while delivered < len(waiting):
            line = None
            pause = 0.0
            try:
                line = await self.connect()
                while delivered < len(waiting) and pause == 0:
                    status, head = await self.ask(line, waiting[delivered])
                    self.answers[str(status)] += 1
                    if status in (200, 202):
                        delivered += 1
                        pause = random.uniform(0, SPREAD) if delivered == 1 and failures else 0.0
                        failures = 0
                        continue
                    found = re.search(rb"(?i)retry-after: *(\d+)", head)
                    asked = float(found.group(1)) if found else None
                    # A short wait is waited for within the run; for a longer one the agent comes again.
                    short = asked is not None and asked <= SHORT
                    pause = longer(asked or 0.0) if short else wait_after(failures, asked)
                    failures += 0 if short else 1
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.answers[type(error).__name__] += 1
                pause = wait_after(failures)
                failures += 1
            finally:
                if line is not None:
                    line[1].close()
            if delivered < len(waiting):
                await asyncio.sleep(pause)
        self.left -= 1

    async def reader(self) -> None:
        """Somebody who reads a page all the time."""
        request = f"GET {PAGE} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode("ascii")
        while self.left:
            began = time.perf_counter()
            try:
                line = await self.connect()
                status, _ = await self.ask(line, request)
                line[1].close()
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                status = 0
            took = time.perf_counter() - began
            self.pages.append(took if status == 200 else LIMIT)
            await asyncio.sleep(max(0.0, 0.5 - took))

    async def come_back(self, waiting: list[list[bytes]]) -> float:
        """All of them; returns the seconds until the last report was acknowledged."""
        self.left = len(waiting)
        began = time.perf_counter()
        async with asyncio.timeout(LIMIT):
            await asyncio.gather(self.reader(), *map(self.agent, waiting))
        return time.perf_counter() - began


def prepare(data: Path, count: int, each: int) -> list[list[bytes]]:
    """A deployment that knows the agents and their tables; the requests that wait on each."""
    subprocess.run([MUSTER, "--data", data, "init"], check=True, capture_output=True)
    deployment = Deployment(data)
    database, key = deployment.database(), deployment.key()
    office = fleet.Fleet()
    pcs = list(office.pcs(count))
    fleet.enrol(database, pcs, datetime.now(UTC))
    for start in range(0, count, BATCH):
        signed = [pc.sign(office.full(pc, 1)) for pc in pcs[start : start + BATCH]]
        with database.write() as connection:
            incoming = [check_report(one, lambda agent, id: keys.find(connection, agent, id)) for one in signed]
            accept_all(connection, incoming, datetime.now(UTC), key.sign)
    database.close()
    waiting = []
    for pc in pcs:
        body = office.carrying(pc, ())
        waiting.append([loading.request_of(pc.sign(body)) for _ in range(each)])
    return waiting


def stored(data: Path) -> int:
    """Reports after the first of each agent that the database holds."""
    database = Deployment(data).database()
    with database.read() as connection:
        found = connection.scalar(select(func.count()).where(reports.c.seq > 1))
    database.close()
    return int(found or 0)


def main() -> int:
    """Let them come back, print the figures, and end with 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=1000, help="agents (default 1000)")
    parser.add_argument("--reports", type=int, default=8, help="reports that wait on each (default 8)")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        waiting = prepare(data, arguments.agents, arguments.reports)
        expected = arguments.agents * arguments.reports
        trust = ssl.create_default_context(cafile=str(data / "tls" / "ca.pem"))
        line = [str(MUSTER), "--data", str(data), "serve", "--tls", "--port", "0"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            try:
                assert server.stdout is not None
                port = next(int(found[1]) for said in server.stdout if (found := re.search(r"https://\S+:(\d+)", said)))
                office = Office(port, trust)
                spent = time.process_time()
                seconds = asyncio.run(office.come_back(waiting))
                spent = time.process_time() - spent
                status = Path(f"/proc/{server.pid}/status").read_text()
                peak = int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1024  # type: ignore[index]  # Linux has it
                cpu = receiving.cpu(server.pid)
            finally:
                server.terminate()
        lost = expected - stored(data)
    pages = sorted(office.pages)
    p99 = pages[len(pages) * 99 // 100]
    met = lost == 0 and p99 <= PAGE_GOAL and seconds <= LIMIT
    cpus, own = len(os.sched_getaffinity(0)), MINUTE + SPREAD
    print(f"{arguments.agents} agents with {arguments.reports} reports each, TLS, on {cpus} shared processors")
    rows = (
        ("lost", f"{lost}", "goal 0"),
        ("drained after", f"{seconds:.0f} s", f"goal {LIMIT:.0f} s; {own:.0f} s are the agents' own spread"),
        (f"{PAGE} meanwhile, p99", f"{p99 * 1e3:.0f} ms", f"goal {PAGE_GOAL * 1e3:.0f}; worst {pages[-1] * 1e3:.0f}"),
        ("handshakes", f"{office.handshakes}", ""),
        ("processor time", f"{cpu:.0f} s", f"of the server; {spent:.0f} s of the agents"),
        ("server's peak memory", f"{peak:.0f} MB", ""),
    )
    for name, figure, note in rows:
        print(f"{name:26}{figure:>10}   {note}".rstrip())
    print(f"{'answers':26}{json.dumps(dict(sorted(office.answers.items())))}")
    print(f"the goal is {'met' if met else 'MISSED'}")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
