"""Slow clients and bad credentials against a real server over TLS: scorecard 18 and 19 (security.md §6).

    .venv/bin/python tests/torture/slow_clients.py           about three and a half minutes
    .venv/bin/python tests/torture/slow_clients.py --quick   a tenth of everything, to see that it runs

The server is ``muster serve --tls`` in a process of its own, the PCs are enrolled and send signed reports with the
agent's own code, and the attackers are a third process. All on loopback, so the attackers take their processor time
from the same machine: the figures are worse than an attack over a network would make them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muster_agent.commands.enrol import enrol
from muster_agent.facts import Boot, OsVersion, SystemInfo, Table, Tables
from muster_agent.local import LocalMachine
from muster_agent.sending.home import Home, State
from muster_agent.sending.http import post
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport, sign
from muster_agent.sending.send import headers_of
from muster_server.deployment import Deployment
from muster_server.store import tokens
from muster_server.store.tokens import Terms

PCS = 4  # that send at once
PAUSE = 0.15  # seconds between two reports of a PC
SLOTS = 1000  # connections the attackers hold
FLOOD = 1000  # bad requests a second
FLOOD_CONNECTIONS = 20
STALL = 100_000  # bytes of a body before it stalls
KINDS = ("idle after the handshake", "header 1 byte/s", "body 1 byte/s", "half-open handshake", "body that stalls")


@dataclass
class Server:
    """A running ``muster serve``."""

    url: str
    port: int
    ca: str
    data: Path
    process: subprocess.Popen[str]
    log: Path

    def memory(self, which: str = "VmRSS") -> float:
        """Megabytes: VmRSS now, VmHWM at most so far."""
        if self.process.poll() is not None:
            raise SystemExit(f"the server ended with {self.process.returncode}: {self.log.read_text()}")
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{which}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def processor(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A new deployment and its server."""
    data = folder / "data"
    muster = [sys.executable, "-m", "muster_server", "--lang", "en", "--data", str(data)]
    subprocess.run([*muster, "init", "--host", "127.0.0.1"], check=True, capture_output=True, timeout=120)
    with served(data, folder / "serve.log") as server:
        yield server


@contextlib.contextmanager
def served(data: Path, log: Path) -> Iterator[Server]:
    """The server of a deployment."""
    muster = [sys.executable, "-m", "muster_server", "--lang", "en", "--data", str(data)]
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*muster, "serve", "--port", "0", "--tls", "--log", "json"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert process.stdout is not None
            found = re.search(r"https://\S+:(\d+)", process.stdout.readline())
            assert found, log.read_text()
            ca = str(data / "tls" / "ca.pem")
            yield Server(found[0], int(found[1]), ca, data, process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


class PC:
    """An enrolled PC that sends one small report after the other, each over a new connection."""

    def __init__(self, server: Server, folder: Path, token: str, number: int) -> None:
        home = Home(str(folder / f"pc{number}"))
        self._server = server
        self._agent = enrol(home, server.url, token, server.ca, LocalMachine()).agent
        self._key = SigningKey.load(str(home.key))
        self._state = State()
        self._name = f"pc{number}"
        self.failed = 0

    def next(self) -> SignedReport:
        """Its next report."""
        tables: Tables = {
            "os_version": Table((OsVersion(name="Debian", platform="debian", major=12),)),
            "system_info": Table((SystemInfo(hostname=self._name),)),
            "boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),)),
        }
        return sign(tables, self._agent, self._key, self._state, "2026-11-24T08:00:00Z")[1]

    def send(self) -> float:
        """Send a report; the seconds from the first packet to the whole answer."""
        import hashlib

        signed = self.next()
        began = time.perf_counter()
        try:
            answer = post(self._server.url, "/v1/reports", signed.body, headers_of(signed), self._server.ca)
        except Exception:
            self.failed += 1
            return time.perf_counter() - began
        seconds = time.perf_counter() - began
        if answer.status == 202:
            self._state = State(seq=self._state.seq + 1, digest=hashlib.sha256(signed.envelope).hexdigest())
        else:
            self.failed += 1
        return seconds


@dataclass
class Measured:
    """How long reports took while something went on."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    def p(self, percent: int) -> float:
        """A percentile, in milliseconds."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1] * 1000


def measure(pcs: list[PC], duration: float) -> Measured:
    """Let the PCs send for ``duration`` seconds."""
    end, done = time.monotonic() + duration, Measured()
    before = sum(pc.failed for pc in pcs)

    def run(pc: PC) -> None:
        while time.monotonic() < end:
            done.seconds.append(pc.send())
            time.sleep(PAUSE)

    threads = [threading.Thread(target=run, args=(pc,)) for pc in pcs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.failed = sum(pc.failed for pc in pcs) - before
    return done


# -- attackers -------------------------------------------------------------------------------------------------------


def careless() -> ssl.SSLContext:
    """A client that looks at no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def hold(port: int, kind: str, end: float, held: list[float]) -> None:
    """One slot of the attackers: a slow connection, and another when that is closed."""
    context = careless()
    head = b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
    loop = asyncio.get_running_loop()
    while loop.time() < end:
        began, writer = loop.time(), None
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            if kind == "half-open handshake":
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01")
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            drip = b""
            if kind == "header 1 byte/s":
                drip = head + b"A: b\r\n" * 100
            elif kind == "body 1 byte/s":
                writer.write(
                    head + b"Muster-Envelope: eA==\r\nMuster-Signature: eA==\r\nContent-Length: 100000\r\n\r\n"
                )
                drip = b"x" * 1000
            elif kind == "body that stalls":
                writer.write(
                    head + b"Muster-Envelope: eA==\r\nMuster-Signature: eA==\r\nContent-Length: 1900000\r\n\r\n"
                )
                writer.write(b"x" * STALL)
            for position in range(1000):
                if drip:
                    writer.write(drip[position % len(drip) : position % len(drip) + 1])
                with contextlib.suppress(asyncio.TimeoutError):
                    if not await asyncio.wait_for(reader.read(4096), 1):
                        break
                if loop.time() > end:
                    break
        held.append(loop.time() - began)
        if writer is not None:
            writer.transport.abort()
        await asyncio.sleep(1)


async def attack(port: int, slots: int, duration: float, kinds: tuple[str, ...]) -> None:
    """Hold ``slots`` connections, in equal parts of each kind, and say how long the longest of each was borne."""
    end = asyncio.get_running_loop().time() + duration
    held: dict[str, list[float]] = {kind: [] for kind in kinds}
    tasks = []
    for number in range(slots):
        kind = kinds[number % len(kinds)]
        tasks.append(asyncio.create_task(hold(port, kind, end, held[kind])))
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    print(json.dumps({kind: [len(times), max(times, default=0)] for kind, times in held.items()}))


async def flood(port: int, requests: list[bytes], rate: float, duration: float) -> None:
    """Send bad requests at ``rate`` a second over kept connections; say how many of each status came."""
    loop = asyncio.get_running_loop()
    began, statuses = loop.time(), dict[str, int]()
    sent = 0

    async def one() -> None:
        nonlocal sent
        context, reader, writer = careless(), None, None
        while loop.time() < began + duration:
            due = began + sent / rate
            sent += 1
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            try:
                if reader is None or writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
                writer.write(requests[sent % len(requests)])
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                status = head.split()[1].decode()
            except (OSError, asyncio.IncompleteReadError):
                status, reader = "closed", None
            statuses[status] = statuses.get(status, 0) + 1

    await asyncio.gather(*(one() for _ in range(FLOOD_CONNECTIONS)))
    statuses["seconds"] = round(loop.time() - began)
    print(json.dumps(statuses))


def bad_requests(pc: PC) -> list[bytes]:
    """A report whose signature does not hold, one of an agent nobody knows, and a credential of 8 kB."""
    signed = pc.next()
    wrong = SignedReport(signed.envelope, bytes(64), signed.body)
    agent = signed.envelope.split(b"\n")[1]
    unknown = SignedReport(
        signed.envelope.replace(agent, b"00000000-0000-4000-8000-000000000000"), signed.signature, signed.body
    )
    made = []
    for one in (wrong, unknown):
        lines = [f"{name}: {value}\r\n" for name, value in headers_of(one).items()]
        head = f"POST /v1/reports HTTP/1.1\r\nHost: x\r\n{''.join(lines)}Content-Length: {len(one.body)}\r\n\r\n"
        made.append(head.encode() + one.body)
    made.append(
        b"POST /v1/enrol HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + b"x" * 8000
        + b"\r\nContent-Length: 2\r\n\r\n{}"
    )
    return made


# -- the two figures -------------------------------------------------------------------------------------------------


def under(
    server: Server, pcs: list[PC], words: list[str], duration: float
) -> tuple[Measured, float, dict[str, object]]:
    """The PCs' reports under attack, the server's memory at most meanwhile, and what the attackers say."""
    attackers = subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True)
    time.sleep(min(5.0, duration / 4))  # until they are all there
    memory, going = [server.memory()], threading.Event()

    def watch() -> None:
        while not going.wait(0.2):
            memory.append(server.memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    measured = measure(pcs, duration - min(5.0, duration / 4) - 1)
    going.set()
    watcher.join()
    said, _ = attackers.communicate(timeout=duration + 60)
    return measured, max(memory), json.loads(said)


def figures(scale: float = 1.0) -> dict[str, float]:
    """Run all of it and print it; the figures of lines 18 and 19 by name."""
    slots = int(SLOTS * scale)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder) as server:
            now = datetime.now(UTC)
            database = Deployment(server.data).database()
            with database.write() as connection:
                token = tokens.issue(connection, Terms("信息科", PCS), "os:torture", now, now + timedelta(hours=1))
            database.close()
            pcs = [PC(server, folder, token, number) for number in range(PCS)]
            measure(pcs, 2)
            idle = measure(pcs, max(30 * scale, 5))
            say("nothing else", idle, server.memory())
            found = {"idle_p99_ms": idle.p(99)}
            port, seconds = str(server.port), max(60 * scale, 12)
            for title, kinds in (("slow clients", KINDS[:4]), ("bodies that stall", KINDS[4:])):
                spent = server.processor()
                words = ["attack", port, str(slots), str(seconds), *kinds]
                done, memory, said = under(server, pcs, words, seconds)
                say(f"{slots} {title}", done, memory)
                print(f"    processor of the server: {(server.processor() - spent) / seconds:.0%} of one core")
                for kind, (count, longest) in said.items():  # type: ignore[misc]  # two numbers each
                    print(f"    {kind}: {count} connections, the longest borne for {longest:.1f} s")
                key = title.replace(" ", "_")
                found |= {f"{key}_p99_ms": done.p(99), f"{key}_rss_mb": memory, f"{key}_failed": done.failed}
            bad = folder / "bad.json"
            bad.write_text(json.dumps([request.decode("latin-1") for request in bad_requests(pcs[0])]))
            before, spent, seconds = len(server.log.read_text().splitlines()), server.processor(), max(30 * scale, 8)
            done, memory, said = under(server, pcs, ["flood", port, str(bad), str(FLOOD), str(seconds)], seconds)
            say(f"{FLOOD} bad credentials/s", done, memory)
            print(f"    processor of the server: {(server.processor() - spent) / seconds:.0%} of one core; {said}")
            peak = server.memory("VmHWM")
        lines = len(server.log.read_text().splitlines()) - before
    print(f"    lines in the log: {lines}; server's memory at most, over everything: {peak:.0f} MB")
    ratio = {key: found[f"{key}_p99_ms"] / found["idle_p99_ms"] for key in ("slow_clients", "bodies_that_stall")}
    found |= {"flood_p99_ms": done.p(99), "flood_lines": lines, "peak_rss_mb": peak}
    print(f"18  good agents' p99 under {slots} slow clients: {ratio['slow_clients']:.2f} x idle (target 2), stalled")
    print(f"    bodies {ratio['bodies_that_stall']:.2f} x; server {peak:.0f} MB (target 400)")
    print(
        f"19  {FLOOD} bad credentials/s: p99 {done.p(99) / idle.p(99):.2f} x idle (target 2); {lines} lines (target 60)"
    )
    return found


def say(title: str, done: Measured, memory: float) -> None:
    """One line."""
    print(
        f"{title:24} {len(done.seconds):5} reports, failed {done.failed}, p50 {done.p(50):6.1f} ms, "
        f"p99 {done.p(99):6.1f} ms, max {max(done.seconds) * 1000:6.1f} ms, server {memory:4.0f} MB",
        flush=True,
    )


def main(words: list[str]) -> None:
    """The whole, or one of the attackers' processes."""
    if words[:1] == ["attack"]:
        asyncio.run(attack(int(words[1]), int(words[2]), float(words[3]), tuple(words[4:])))
    elif words[:1] == ["flood"]:
        requests = [request.encode("latin-1") for request in json.loads(Path(words[2]).read_text())]
        asyncio.run(flood(int(words[1]), requests, float(words[3]), float(words[4])))
    else:
        figures(0.1 if "--quick" in words else 1.0)


if __name__ == "__main__":
    main(sys.argv[1:])
