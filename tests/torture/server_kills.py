"""Kill the server with SIGKILL under load, again and again: every report it acknowledged must be there afterwards.

    python tests/torture/server_kills.py [KILLS]

A kill says nothing about power: the system keeps what was written. syncs.py and power_cuts.py look at that.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import load

PCS = 8
PATIENCE = 30.0  # seconds for the first acknowledgement after a start


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    kills: int
    acknowledged: int
    lost: int  # acknowledged reports that are not there
    broken: int  # places where the chain does not follow, or a number came twice
    stored: int  # reports in the database, those whose acknowledgement was cut off included
    median_start: float  # seconds from the start of a server to its first acknowledgement
    seconds: float


def run(kills: int, folder: Path, seed: int = 1) -> Figures:
    """Start, load, kill; ``kills`` times, then count."""
    chance = random.Random(seed)
    began = time.monotonic()
    deployment = load.new_deployment(folder / "data")
    pcs = load.enrolled(deployment, PCS)
    key, port, ledger = deployment.key().public, load.free_port(), load.Ledger()
    starts = []
    for _ in range(kills):
        before, at = len(ledger.receipts), time.monotonic()
        with load.serving(deployment.path, port) as server:
            ledger.stopped = False
            url = f"http://127.0.0.1:{port}"
            loading = threading.Thread(target=load.load, args=(pcs, url, key, ledger, PATIENCE))
            loading.start()
            while len(ledger.receipts) == before and time.monotonic() < at + PATIENCE:
                time.sleep(0.002)
            starts.append(time.monotonic() - at)
            time.sleep(0.02 + chance.random() * 0.3)
            server.send_signal(signal.SIGKILL)
            ledger.stopped = True
            loading.join()
    wrong = load.broken_chain(deployment)
    gone = load.lost(deployment, ledger)
    stored = load.count(deployment)
    median = sorted(starts)[len(starts) // 2]
    return Figures(kills, len(ledger.receipts), len(gone), len(wrong), stored, median, time.monotonic() - began)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        found = run(int(sys.argv[1]) if len(sys.argv) > 1 else 200, Path(temporary))
    print(found)
    sys.exit(0 if found.lost == found.broken == 0 < found.acknowledged else 1)
