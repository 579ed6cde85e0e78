"""PostgreSQL goes away under load and comes back: restarted, crashed, switched to read-only and back; and one of two
servers on it is killed. Every acknowledged report must be there, and reports be taken in again soon.

    python tests/torture/postgresql.py [ROUNDS] [FOLDER OF POSTGRESQL'S PROGRAMS]
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import load
from cluster import Cluster, cluster

from muster_server.deployment import Deployment
from muster_server.words import Words

PCS = 8
PATIENCE = 60.0  # seconds to wait for what should take a few
AWAY = 1.5  # seconds that PostgreSQL stays away


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    faults: int
    acknowledged: int
    lost: int  # acknowledged reports that are not there
    broken: int  # places where the chain does not follow, or a number came twice
    refused: int  # answers 503 and 507 meanwhile
    failed: int  # answers that are neither a receipt nor such a refusal
    longest: float  # seconds until a report was acknowledged after PostgreSQL was back, or after a server was killed
    seconds: float


def restarted(server: Cluster) -> None:
    """As an administrator does."""
    server.stop("fast")
    time.sleep(AWAY)
    server.start()


def crashed(server: Cluster) -> None:
    """As when its process dies."""
    server.stop("immediate")
    time.sleep(AWAY)
    server.start()


def switched(server: Cluster) -> None:
    """Demoted and promoted again: it answers, and refuses writes (25006)."""
    server.read_only(True)
    time.sleep(AWAY)
    server.read_only(False)


FAULTS: tuple[Callable[[Cluster], None], ...] = (restarted, switched, crashed)


def deployed(server: Cluster, folder: Path) -> Deployment:
    """A deployment on a new database."""
    return Deployment.create(folder, "torture", Words("en"), server.new_database())


@contextmanager
def loading(pcs: list[load.Pc], port: int, key: bytes, ledger: load.Ledger) -> Iterator[None]:
    """PCs report meanwhile."""
    ledger.stopped = False
    url = f"http://127.0.0.1:{port}"
    thread = threading.Thread(target=load.load, args=(pcs, url, key, ledger, 10 * PATIENCE))
    thread.start()
    try:
        yield
    finally:
        ledger.stopped = True
        thread.join()


def until_acknowledged(ledger: load.Ledger, more: int = 1) -> float:
    """Wait for so many more acknowledgements; seconds it took."""
    began, before = time.monotonic(), len(ledger.receipts)
    while len(ledger.receipts) < before + more:
        assert time.monotonic() < began + PATIENCE, f"nothing is taken in any more: {ledger.statuses}"
        time.sleep(0.005)
    return time.monotonic() - began


def counted(deployment: Deployment, ledgers: list[load.Ledger], faults: int, longest: float, began: float) -> Figures:
    """Look at what is there."""
    statuses: dict[int, int] = {}
    for ledger in ledgers:
        for status, number in ledger.statuses.items():
            statuses[status] = statuses.get(status, 0) + number
    return Figures(
        faults=faults,
        acknowledged=sum(len(ledger.receipts) for ledger in ledgers),
        lost=sum(len(load.lost(deployment, ledger)) for ledger in ledgers),
        broken=len(load.broken_chain(deployment)),
        refused=statuses.get(503, 0) + statuses.get(507, 0),
        failed=sum(number for status, number in statuses.items() if status not in (200, 202, 503, 507)),
        longest=longest,
        seconds=time.monotonic() - began,
    )


def away(rounds: int, folder: Path, programs: Path | None = None) -> Figures:
    """PostgreSQL goes away and comes back, in each of the :data:`FAULTS`, so many times."""
    began, longest = time.monotonic(), 0.0
    with cluster(programs) as server:
        deployment = deployed(server, folder / "data")
        pcs, port, ledger = load.enrolled(deployment, PCS), load.free_port(), load.Ledger()
        key = deployment.key().public
        with load.serving(deployment.path, port), loading(pcs, port, key, ledger):
            for fault in FAULTS * rounds:
                until_acknowledged(ledger, 30)
                fault(server)
                longest = max(longest, until_acknowledged(ledger, PCS + 1))
        return counted(deployment, [ledger], rounds * len(FAULTS), longest, began)


def killed(kills: int, folder: Path, programs: Path | None = None) -> Figures:
    """Two servers on one database, on copies of the data folder or on the same one: one is killed under load, its PCs
    go to the other, and a new one is started; so many times."""
    began, longest = time.monotonic(), 0.0
    with cluster(programs) as server:
        deployment = deployed(server, folder / "data")
        shutil.copytree(deployment.path, folder / "copy")
        key = deployment.key().public
        groups = [load.enrolled(deployment, PCS) for _ in range(2)]
        ledgers = [load.Ledger(), load.Ledger()]
        for number in range(kills):
            ports = [load.free_port(), load.free_port()]
            dying, other = number % 2, 1 - number % 2
            beside = deployment.path if number % 2 else folder / "copy"
            with (
                load.serving(deployment.path, ports[0]) as first,
                load.serving(beside, ports[1]) as second,
                loading(groups[other], ports[other], key, ledgers[other]),
            ):
                with loading(groups[dying], ports[dying], key, ledgers[dying]):
                    until_acknowledged(ledgers[0], 20)
                    until_acknowledged(ledgers[1], 20)
                    (first, second)[dying].send_signal(signal.SIGKILL)
                with loading(groups[dying], ports[other], key, ledgers[dying]):
                    longest = max(longest, until_acknowledged(ledgers[dying], PCS + 1))
                    until_acknowledged(ledgers[other], 20)
        return counted(deployment, ledgers, kills, longest, began)


def good(found: Figures) -> bool:
    """Whether the targets are met (security.md §6, 27)."""
    return found.lost == found.broken == found.failed == 0 < found.acknowledged and found.longest <= 30


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    where = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    results = []
    for proof in (away, killed):
        with tempfile.TemporaryDirectory() as temporary:
            results.append(proof(asked, Path(temporary), where))
        print(proof.__name__, results[-1], flush=True)
    sys.exit(0 if all(map(good, results)) else 1)
