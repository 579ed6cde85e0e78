"""Kill the agent at every step of a run: no report that it signed is lost, and none is counted twice.

    python tests/torture/agent_kills.py [KILLS]        (Linux; strace)

Every system call by which a run writes, renames, removes, syncs or speaks is a step; strace delivers SIGKILL as the
agent enters it, the first time, the second, and so on until a run has no more of them. Every step of every kind is
taken, and then moments drawn by chance up to KILLS (200). In between no run is let through: each has to cope with
what the ones before it left behind. The server is a real one, the runs are real processes; only the facts are given, so
that a run takes a quarter of a second.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import load

from muster_agent.commands.enrol import enrol
from muster_agent.local import LocalMachine
from muster_agent.sending.envelope import Envelope
from muster_agent.sending.home import Home
from muster_agent.sending.report import SignedReport
from muster_server.deployment import Deployment
from muster_server.store.schema import reports
from muster_server.store.statements import everything, stored

STEPS = ("fsync", "rename", "unlink", "connect", "sendto", "recvfrom", "write", "openat")
MOST = {"openat": 8, "write": 12}  # a run opens hundreds of files; the last of each kind are its own
RUN = """
import sys
from muster_agent.commands.run import run
from muster_agent.facts import Boot, OsVersion, SystemInfo, Table
from muster_agent.sending.home import Home
from muster_agent.words import Words

home = Home(sys.argv[1])
tables = {
    "os_version": Table((OsVersion(name="Debian", platform="debian", major=int(sys.argv[2])),)),
    "system_info": Table((SystemInfo(hostname="pc"),)),
    "boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),)),
}
with home.lock():
    sys.exit(run(home, home.enrolment(), tables, Words("en")))
"""


@dataclass
class Figures:
    """What came of it."""

    kills: int = 0
    by_step: Counter[str] = field(default_factory=Counter)
    signed: int = 0  # reports that were ever seen waiting
    lost: int = 0  # of these, not with the server at the end
    doubled: int = 0  # numbers that came twice, or were used for two reports
    gaps: int = 0  # numbers that never came
    left: int = 0  # files that still wait or were put aside
    seconds: float = 0.0


class Torture:
    """One PC and its server."""

    def __init__(self, folder: Path) -> None:
        self.deployment: Deployment = load.new_deployment(folder / "data")
        self.home = Home(str(folder / "home"))
        self.figures = Figures()
        self.seen: dict[str, int] = {}  # digest of every report that was ever seen waiting, and its number
        self.runs = 0

    def enrol(self, url: str) -> None:
        """Take the PC in."""
        token = issue_token(self.deployment)
        enrol(self.home, url, token, None, LocalMachine())

    def run(self, *wrapped: str, after: float | None = None) -> int:
        """One run; it may be killed. Every second has other facts than the one before."""
        self.runs += 1
        line = [*wrapped, sys.executable, "-B", "-c", RUN, str(self.home.path), str(self.runs // 2)]
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if after is not None:
            time.sleep(after)
            process.kill()
        code = process.wait(60)
        self.look()
        return code

    def look(self) -> None:
        """Note what waits."""
        for path in self.home.spool.glob("*.json"):
            envelope = Envelope.parse(SignedReport.from_json(path.read_bytes()).envelope)
            self.seen[envelope.digest] = envelope.seq

    def at_steps(self, chosen: Sequence[tuple[str, int]] | None = None) -> Iterator[tuple[str, int]]:
        """Kill at each step, or at the chosen ones; yields those at which the run died."""
        if chosen is None:
            chosen = [(step, number) for step in STEPS for number in self.numbers(step)]
        for step, number in chosen:
            kill = f"inject={step}:signal=KILL:when={number}"
            code = self.run("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={step}", "-e", kill)
            if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
                yield step, number

    def numbers(self, step: str) -> range:
        """Which calls of a kind are a run's own: the last ones, where it makes many."""
        trace = self.home.path.parent / "trace"
        self.run("strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={step}")
        count = sum(f" {step}(" in line for line in trace.read_text("utf-8", "replace").splitlines())
        return range(max(1, count - MOST.get(step, count) + 1), count + 1)

    def count(self) -> None:
        """One last run that nothing disturbs; then what is there is counted."""
        code = self.run()
        assert code == 0, f"the last run ended with {code}"
        database = self.deployment.database()
        try:
            with database.read() as connection:
                came = [stored(row) for row in connection.execute(everything().order_by(reports.c.position))]
                refused = connection.exec_driver_sql("SELECT count(*) FROM conflicts").scalar() or 0
        finally:
            database.close()
        numbers = Counter(one.receipt.seq for one in came)
        digests = {one.receipt.report for one in came}
        self.figures.signed = len(self.seen)
        self.figures.lost = sum(digest not in digests for digest in self.seen)
        self.figures.doubled = sum(count - 1 for count in numbers.values()) + int(refused)
        self.figures.gaps = max(numbers, default=0) - len(numbers)
        self.figures.left = len(list(self.home.spool.iterdir())) + len(list(self.home.refused.iterdir()))


def issue_token(deployment: Deployment) -> str:
    """A token for one PC."""
    from datetime import UTC, datetime, timedelta

    from muster_server.store import tokens
    from muster_server.store.tokens import Terms

    database = deployment.database()
    try:
        now = datetime.now(UTC)
        with database.write() as connection:
            return tokens.issue(connection, Terms("torture", 1), "os:test", now, now + timedelta(hours=1))
    finally:
        database.close()


def run(kills: int, folder: Path, chosen: Sequence[tuple[str, int]] | None = None, seed: int = 1) -> Figures:
    """Kill at every step, or at the chosen ones, and then by chance until there were so many kills; then count."""
    began = time.monotonic()
    chance = random.Random(seed)
    torture = Torture(folder)
    port = load.free_port()
    with load.serving(torture.deployment.path, port):
        torture.enrol(f"http://127.0.0.1:{port}")
        for step, _ in torture.at_steps(chosen):
            torture.figures.kills += 1
            torture.figures.by_step[step] += 1
        before = time.monotonic()
        torture.run()
        whole = time.monotonic() - before  # of a run on this machine, in its present mood
        for _ in range(10 * kills):
            if torture.figures.kills >= kills:
                break
            if torture.run(after=whole * (0.2 + chance.random() * 0.8)) == -signal.SIGKILL:
                torture.figures.kills += 1
                torture.figures.by_step["by chance"] += 1
        torture.count()
    torture.figures.seconds = time.monotonic() - began
    return torture.figures


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        found = run(int(sys.argv[1]) if len(sys.argv) > 1 else 200, Path(place))
    print(f"{found.kills} kills ({', '.join(f'{count} {step}' for step, count in found.by_step.items())})")
    print(f"{found.signed} reports seen waiting: lost {found.lost}, doubled {found.doubled}, gaps {found.gaps}")
    print(f"left in the spool or put aside {found.left}; {found.seconds:.0f} s")
