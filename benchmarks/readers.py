"""How long a page takes at 10,000 PCs while reports come in: `python benchmarks/readers.py [PCS] [SECONDS]`.

A real `muster serve` on a store of its own; readers ask for the office, a PC, a rule and their unit, one after the
other, while PCs report ten times as often as hourly reports of that many would. Printed: p50, p99 and the longest of
each page once the office has been judged for the first time, and the server's memory. Loopback, plain HTTP.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from muster_agent.commands.enrol import enrol
from muster_agent.facts import OsVersion, Table
from muster_agent.local import LocalMachine
from muster_agent.sending.home import Home, State
from muster_agent.sending.http import post
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import sign
from muster_agent.sending.send import headers_of
from muster_server.demo.office import UNITS
from muster_server.deployment import Deployment
from muster_server.store import readers, tokens
from muster_server.store.tokens import Terms

ROOT = Path(__file__).resolve().parent.parent
PLACES = (
    "/office?lang=en",
    "/v1/office?form=json&limit=20",
    "/rules/{rule}?lang=zh",
    "/pcs/{pc}?lang=zh",
    "/v1/office?form=text",
)


def main(size: int, seconds: float, folder: Path) -> None:
    """Measure and print."""
    if not (folder / "muster.yaml").exists():
        sys.path.insert(0, str(ROOT / "tests" / "scorecard"))
        import readers_store

        readers_store.make(folder, size)
    deployment = Deployment(folder)
    database = deployment.database()
    now = datetime.now(UTC)
    names = f"bench-{now:%H%M%S}"
    with database.write() as connection:
        end = now + timedelta(hours=1)
        whole = readers.add(connection, names, "administrator", None, "os:bench", now, end)
        unit = readers.add(connection, names + "-unit", "viewer", UNITS[0][0]["zh"], "os:bench", now, end)
        token = tokens.issue(connection, Terms(UNITS[0][0]["zh"]), "os:bench", now, end)
    database.close()
    server = subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-m", "muster_server", "--data", str(folder), "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "MUSTER_LANG": "en", "PYTHONPATH": f"{ROOT / 'agent'}:{ROOT / 'server'}"},
    )
    try:
        assert server.stdout is not None
        (address,) = re.findall(r"https?://[0-9.:]+", server.stdout.readline())
        measure(address, seconds, size, (whole or "", unit or ""), token, server.pid)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def measure(address: str, seconds: float, size: int, credentials: tuple[str, str], token: str, pid: int) -> None:
    """Ask pages while reports come in."""
    done = threading.Event()
    sent = [0]
    reporting = threading.Thread(target=report, args=(address, token, size / 360, done, sent), daemon=True)
    reporting.start()
    began = time.monotonic()
    for credential in credentials:
        while ask(address, PLACES[0], credential)[0] == 503:
            time.sleep(0.2)
    print(f"{size} PCs; the first page {time.monotonic() - began:.1f} s after the start, until then: come again")
    began = time.monotonic()
    took: dict[str, list[float]] = defaultdict(list)
    later = 0
    pc, rule = "SIM", "AV-001"
    while time.monotonic() - began < seconds:
        for place in PLACES:
            for credential in credentials:
                start = time.monotonic()
                status, body = ask(address, place.format(pc=pc, rule=rule), credential)
                took[place if credential == credentials[0] else place + " (a unit)"].append(time.monotonic() - start)
                later += status == 503
                if "form=json" in place and status == 200 and pc == "SIM":
                    found = json.loads(body)
                    pc, rule = found["pcs"][0]["id"], found["rules"][0]["id"]
        time.sleep(0.2)
    done.set()
    reporting.join(20)
    print(f"  {sent[0] / (time.monotonic() - began):.0f} reports/s meanwhile; asked to come again: {later}")
    for place, times in took.items():
        p99 = statistics.quantiles(times, n=100)[98] if len(times) > 1 else times[0]
        print(f"  {place:34} p50 {statistics.median(times):.3f} s  p99 {p99:.3f} s  longest {max(times):.3f} s")
    status = Path(f"/proc/{pid}/status").read_text()
    memory = {line.split()[0]: int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("Vm")}
    print(f"  server memory {memory['VmRSS:']} MB, at most {memory['VmHWM:']} MB")


def ask(address: str, path: str, credential: str) -> tuple[int, bytes]:
    """One page on a connection of its own."""
    connection = http.client.HTTPConnection(address.partition("//")[2], timeout=60)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {credential}", "Accept": "text/html"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def report(address: str, token: str, rate: float, done: threading.Event, sent: list[int]) -> None:
    """One PC that reports so many times a second, each time something else."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(folder)
        enrolment = enrol(home, address, token, None, LocalMachine())
        key, last = SigningKey.load(str(home.key)), State()
        while not done.wait(1 / rate):
            tables: dict[str, Any] = {"os_version": Table((OsVersion(name="Debian", major=sent[0] % 1000),))}
            seq, signed = sign(tables, enrolment.agent, key, last, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
            if post(address, "/v1/reports", signed.body, headers_of(signed)).status == 202:
                sent[0] += 1
                last = following(last, seq, signed)


def following(last: State, seq: int, signed: Any) -> State:
    """Where the chain stands after a report."""
    from muster_agent.sending.envelope import Envelope

    envelope = Envelope.parse(signed.envelope)
    return State(seq, envelope.digest, signed.digests())


if __name__ == "__main__":
    arguments = sys.argv[1:]
    pcs, time_limit = int(arguments[0]) if arguments else 10_000, float(arguments[1]) if len(arguments) > 1 else 60.0
    if len(arguments) > 2:
        main(pcs, time_limit, Path(arguments[2]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(pcs, time_limit, Path(temporary) / "data")
