"""Scorecard 24: the disk of the server fills under load, twice: slowly, so that it refuses in time, and at once, by
something else. Wrong acknowledgements, corrupted files, seconds to normal, and whether reports can still be looked at.

    python tests/torture/disk_full.py      (as root: it mounts a small disk)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "scorecard"))

import filled
import load

from muster_server.evidence import database as evidence
from muster_server.store import copying
from muster_server.store.space import BALLAST, full_since

DISK = 64  # megabytes
KEEP_FREE = 16
PCS = 6
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    acknowledged: int
    lost: int  # acknowledged reports that are not there
    refused: int  # answers 507
    other: int  # answers that are neither a receipt nor 507
    corrupted: int  # what integrity_check, the chain and the signatures find
    viewable: bool  # whether `muster report` answered while the disk was full
    said: bool  # whether `muster doctor` said since when
    recovered: float  # seconds from room on the disk to the next acknowledgement, the longer of both


class NoDisk(Exception):
    """A small disk cannot be mounted here."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of its own. Raises :class:`NoDisk`."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=0700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        raise NoDisk("mount") from None
    if done.returncode:
        raise NoDisk(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def take(folder: Path, leave: int) -> Path:
    """Something else takes the disk, but for so many bytes."""
    path = folder / "other"
    piece, size = 1024 * 1024, 0
    with path.open("wb") as file:
        while piece >= 4096:
            disk = os.statvfs(folder)
            if disk.f_bavail * disk.f_frsize - piece < leave:
                piece //= 2
                continue
            try:
                os.posix_fallocate(file.fileno(), size, piece)
                size += piece
            except OSError:  # the server took it first
                piece //= 2
    return path


def asked(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command, while the disk is full."""
    line = [*load.WORDS, "--data", str(data), "--lang", "en", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE)


def wait(until: object, what: str) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    while not until():  # type: ignore[operator]
        if time.monotonic() > began + PATIENCE:
            raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


def run(folder: Path) -> Figures:
    """All of it. Raises :class:`NoDisk` where no small disk can be made."""
    with small_disk(folder / "disk") as disk:
        made = filled.Filled(disk / "data", PCS)
        settings = made.deployment.path / "muster.yaml"
        settings.write_text(settings.read_text("utf-8") + f"keep_free: {KEEP_FREE}\n", "utf-8")
        pcs = [load.Pc(pc.agent, pc.key) for pc in made.pcs]
        made.close()
        return _filled_twice(made.deployment, pcs, disk)


def _filled_twice(deployment: load.Deployment, pcs: list[load.Pc], disk: Path) -> Figures:
    data, port, ledger = deployment.path, load.free_port(), load.Ledger()
    recovered, viewable, said = [], True, True
    with load.serving(data, port):
        url = f"http://127.0.0.1:{port}"
        loading = threading.Thread(target=load.load, args=(pcs, url, deployment.key().public, ledger, 4 * PATIENCE))
        loading.start()
        try:
            wait(lambda: len(ledger.receipts) > 20 and (data / BALLAST).exists(), "reports and the ballast")
            # Nearly full, then not a byte left.
            for leave in (KEEP_FREE * 1024 * 1024 // 2, 0):
                assert full_since(data) is None
                refused = ledger.statuses.get(507, 0)
                other = take(disk, leave)
                wait(lambda refused=refused: ledger.statuses.get(507, 0) > refused + 5, "refusals")
                wait(lambda: full_since(data) is not None, "since when it is full")
                viewable = viewable and asked(data, "report").returncode == 0
                said = said and "storage full since" in asked(data, "doctor").stdout
                before = len(ledger.receipts)
                other.unlink()
                recovered.append(wait(lambda before=before: len(ledger.receipts) > before, "reports after it"))
                wait(lambda: full_since(data) is None and (data / BALLAST).stat().st_size > 0, "the ballast")
        finally:
            ledger.stopped = True
            loading.join()
    return Figures(
        acknowledged=len(ledger.receipts),
        lost=len(load.lost(deployment, ledger)),
        refused=ledger.statuses.get(507, 0),
        other=sum(count for status, count in ledger.statuses.items() if status not in (200, 202, 507)),
        corrupted=_wrong(deployment),
        viewable=viewable,
        said=said,
        recovered=max(recovered),
    )


def _wrong(deployment: load.Deployment) -> int:
    database = deployment.database()
    try:
        with database.read() as connection:
            found = evidence.verify(connection, processes=1).findings
    finally:
        database.close()
    return len(copying.problems(deployment.path / "muster.db")) + found.wrong_count


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        try:
            figures = run(Path(name))
        except NoDisk as error:
            sys.exit(f"skipped: no small disk can be mounted here ({error})")
    print(figures)
    sys.exit(bool(figures.lost or figures.corrupted or not figures.viewable or figures.recovered > 60))
