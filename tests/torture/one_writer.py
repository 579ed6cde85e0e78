"""Who writes to the SQLite file, watched call by call: never two at a time, never without the lock, whoever it is.

    python tests/torture/one_writer.py [SECONDS]

SQLite before 3.51.3 may corrupt a database when two connections write or checkpoint at the same moment (decision 4). A
server takes in reports while tokens are issued and the office is looked at; it is killed; a reader is the last to close
what it left; an administrator acts on it before the next server starts; a released schema is brought up to date.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import load
from migrations import released

CALLS = "flock,pwrite64,pwritev,write,ftruncate,fallocate"
_CALL = re.compile(r"([\d.]+) (\w+)\(\d+<([^>]*)>,?(.*?)\) += (-?\d+).*<([\d.]+)>$")
DATABASE = re.compile(r".*/muster\.db(-wal)?$")
UPGRADE = "import sys; from pathlib import Path; from muster_server.store.database import Database; "
UPGRADE += "made = Database.at(Path(sys.argv[1])); made.migrate(); made.close()"


@dataclass
class Figures:
    """What was seen."""

    processes: int = 0
    writers: int = 0  # processes that wrote to a database
    writes: int = 0  # calls that changed a database or its log
    unlocked: int = 0  # … without holding the lock
    overlaps: int = 0  # times that two were at it at once
    held: int = 0  # times that it was held
    strangers: list[str] = field(default_factory=list)  # processes that must not write and did


@dataclass(frozen=True)
class Call:
    """A call of one thread."""

    began: float
    ended: float
    name: str
    path: str
    rest: str


def strace(output: Path) -> tuple[str, ...]:
    """The command that runs another one and writes each thread's calls to a file of its own."""
    return ("strace", "-ff", "-ttt", "-T", "-y", "-qq", "-s", "0", "-e", f"trace={CALLS}", "-o", str(output))


def calls(file: Path) -> Iterator[Call]:
    """The calls of one thread that succeeded."""
    for line in file.read_text("utf-8", "replace").splitlines():
        found = _CALL.match(line)
        if found and int(found[5]) >= 0:
            began = float(found[1])
            yield Call(began, began + float(found[6]), found[2], found[3], found[4])


def judged(traces: Path, readers: tuple[str, ...]) -> Figures:
    """Read the traces: NAME.THREAD, NAME being what the process was started as.

    Somebody writes from the beginning of the first call that does to the beginning of the one that gives the lock back:
    both moments are taken before the system acts.
    """
    seen = Figures()
    spans: dict[str, list[tuple[float, float]]] = {}
    writing: set[str] = set()
    names: set[str] = set()
    for file in sorted(traces.iterdir()):
        process = file.name.rsplit(".", 1)[0]
        names.add(process)
        holding: set[str] = set()
        first: dict[str, float] = {}  # when it first wrote since it holds the lock
        last = 0.0
        for call in calls(file):
            folder = call.path.rsplit("/", 1)[0]
            if call.name == "flock" and call.path.endswith("/write.lock"):
                if "LOCK_UN" not in call.rest:
                    seen.held += folder not in holding
                    holding.add(folder)
                    continue
                holding.discard(folder)
                if folder in first:
                    spans.setdefault(folder, []).append((first.pop(folder), call.began))
            elif DATABASE.match(call.path):
                seen.writes += 1
                seen.unlocked += folder not in holding
                first.setdefault(folder, call.began)
                writing.add(process)
                if process.startswith(readers):
                    seen.strangers.append(f"{process}: {call.name} {call.path}")
            last = call.ended
        for folder, began in first.items():  # killed while it held the lock
            spans.setdefault(folder, []).append((began, last))
    for held in spans.values():
        held.sort()
        seen.overlaps += sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(held))
    seen.processes, seen.writers = len(names), len(writing)
    return seen


def run(folder: Path, seconds: float, servers: int = 2) -> Figures:
    """Let all of them work on one file. The first server is killed, another one stops in order."""
    traces = folder / "traces"
    traces.mkdir()
    deployment = load.new_deployment(folder / "data")
    pcs = load.enrolled(deployment, 6)
    key, port = deployment.key().public, load.free_port()
    started = 0

    def muster(*words: str, codes: tuple[int, ...] = (0, 1, 3)) -> None:
        nonlocal started
        started += 1
        line = [*strace(traces / f"{words[0]}-{started}"), *load.WORDS, "--data", str(deployment.path), *words]
        done = subprocess.run(line, capture_output=True, text=True, timeout=120)
        assert done.returncode in codes, done.stderr

    def meanwhile(ledger: load.Ledger) -> Iterator[None]:
        loading = threading.Thread(
            target=load.load, args=(pcs, f"http://127.0.0.1:{port}", key, ledger, 10 * seconds + 120)
        )
        loading.start()
        yield
        ledger.stopped = True
        loading.join()

    for number in range(servers):
        with load.serving(deployment.path, port, wrapped=strace(traces / f"serve-{number}")) as server:
            for _ in meanwhile(ledger := load.Ledger()):
                end = time.monotonic() + seconds
                while time.monotonic() < end or len(ledger.receipts) < 50:
                    muster("token", "--unit", "x")
                    muster("report")
            if number:
                os.killpg(server.pid, signal.SIGTERM)  # the server is a child of strace
                server.wait(60)
        muster("report")  # the last to close what a killed server, and one that stopped in order, left
        muster("token", "--unit", "x")
        muster("report")
    (folder / "old").mkdir()
    released.put("0001", folder / "old" / "muster.db")
    line = [*strace(traces / "upgrade"), sys.executable, "-c", UPGRADE, str(folder / "old" / "muster.db")]
    subprocess.run(line, check=True, timeout=120)
    return judged(traces, ("report",))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        figures = run(Path(temporary), float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
    print(figures)
    sys.exit(0 if figures.unlocked == figures.overlaps == len(figures.strangers) == 0 < figures.writes else 1)
