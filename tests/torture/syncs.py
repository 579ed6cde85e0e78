"""Every acknowledgement follows a sync: between a report's arrival and its answer 202 the disk was told to keep it.

    python tests/torture/syncs.py [REPORTS]

A kill cannot tell a database that syncs from one that does not (security.md §3.1); this trace can.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import load
import traced

PCS = 4


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    acknowledged: int
    without_sync: int  # answers 202 with no sync that began after the report had arrived
    syncs: int


# A server whose database does not sync each commit: what this trace is there to find.
UNSAFE = """
import sqlite3
whole = sqlite3.connect
class Lazy(sqlite3.Connection):
    def execute(self, statement, *values):
        return super().execute(statement.replace("synchronous=FULL", "synchronous=NORMAL"), *values)
sqlite3.connect = lambda *given, **named: whole(*given, factory=Lazy, **named)
from muster_server.cli import main
main()
"""


def run(reports: int, folder: Path, program: Sequence[str] = load.WORDS) -> Figures:
    """Send so many reports to a server under strace, then read the trace."""
    deployment = load.new_deployment(folder / "data")
    pcs = load.enrolled(deployment, PCS)
    key, port, ledger = deployment.key().public, load.free_port(), load.Ledger()
    output = folder / "trace"
    with load.serving(deployment.path, port, wrapped=traced.strace(output), program=program):
        loading = threading.Thread(target=load.load, args=(pcs, f"http://127.0.0.1:{port}", key, ledger, 600.0))
        loading.start()
        deadline = time.monotonic() + 600
        while len(ledger.receipts) < reports and time.monotonic() < deadline:
            time.sleep(0.05)
        ledger.stopped = True
        loading.join()
    return judged(output)


def judged(output: Path) -> Figures:
    """Read a trace."""
    arrived: dict[int, float] = {}  # by socket, when its last piece came
    wal: set[int] = set()
    last_sync_began = 0.0
    answers = without = syncs = 0
    for call in traced.calls(output):
        if call.name == "openat" and call.result >= 0:
            (wal.add if call.path.endswith("muster.db-wal") else wal.discard)(call.result)
        elif call.name in ("fdatasync", "fsync") and call.result == 0 and call.descriptor in wal:
            syncs += 1
            last_sync_began = call.began
        elif call.name == "recvfrom" and call.result > 0:
            arrived[call.descriptor] = call.ended
        elif call.name in ("sendto", "sendmsg") and call.result > 0 and call.data.startswith(b"HTTP/1.1 202"):
            answers += 1
            without += not last_sync_began > arrived.get(call.descriptor, float("inf"))
    return Figures(answers, without, syncs)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        found = run(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, Path(temporary))
    print(found)
    sys.exit(0 if found.without_sync == 0 < found.acknowledged else 1)
