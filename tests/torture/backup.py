"""Scorecard 26: how long a backup takes under full write load, against the same with nobody writing; that each can be
restored with every signature right, and whose file it is.

    python tests/torture/backup.py [PCS DAYS]      200 100 unless given: the size of the database
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "scorecard"))

import filled
import load

ROUNDS = 5
WRITERS = 16  # PCs that report as fast as they are answered
PATIENCE = 300.0  # seconds


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    megabytes: float  # of a backup
    idle: float  # seconds, the median
    loaded: float
    ratio: float
    acknowledged: int  # reports a second meanwhile
    restored: int  # backups that were checked to the last signature and are whole
    backups: int
    mode: str


def backup(data: Path, path: Path) -> float:
    """As a person does it; seconds."""
    began = time.monotonic()
    subprocess.run(
        [*load.WORDS, "--data", str(data), "backup", str(path)], check=True, capture_output=True, timeout=PATIENCE
    )
    return time.monotonic() - began


def whole(path: Path) -> bool:
    """Whether every signature in it is right."""
    line = [*load.WORDS, "restore", str(path), "--verify"]
    return subprocess.run(line, capture_output=True, timeout=PATIENCE).returncode == 0


def run(folder: Path, pcs: int = 200, days: int = 100, rounds: int = ROUNDS) -> Figures:
    """All of it."""
    made = filled.filled(folder / "data", pcs, days, max(pcs * 3 // 100, 1))
    writers = [load.Pc(pc.agent, pc.key) for pc in (made.enrol(f"writer{n}") for n in range(WRITERS))]
    made.close()
    data, port, ledger = made.deployment.path, load.free_port(), load.Ledger()
    paths = [folder / f"{number}.tar" for number in range(2 * rounds)]
    with load.serving(data, port):
        idle = [backup(data, path) for path in paths[:rounds]]
        url = f"http://127.0.0.1:{port}"
        given = (writers, url, made.key.public, ledger, PATIENCE)
        loading = threading.Thread(target=load.load, args=given)
        loading.start()
        began = time.monotonic()
        try:
            time.sleep(0.5)
            loaded = [backup(data, path) for path in paths[rounds:]]
        finally:
            ledger.stopped = True
            loading.join()
        seconds = time.monotonic() - began
    one, other = statistics.median(idle), statistics.median(loaded)
    return Figures(
        megabytes=round(paths[0].stat().st_size / 1e6, 1),
        idle=round(one, 2),
        loaded=round(other, 2),
        ratio=round(other / one, 2),
        acknowledged=round(len(ledger.receipts) / seconds),
        restored=sum(map(whole, paths)),
        backups=len(paths),
        mode=" ".join(sorted({f"{path.stat().st_mode & 0o777:04o}" for path in paths})),
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        figures = run(Path(name), *(int(word) for word in sys.argv[1:3]))
    print(figures)
    sys.exit(figures.restored != figures.backups or figures.ratio > 2)
