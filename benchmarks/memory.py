"""Whether the server's memory stays flat while ever more PCs report.

    python benchmarks/memory.py [--pcs N] [--full N]

N PCs that the server has not seen before report once each, as `muster serve` takes reports in: the first --full of them
with the rows of all 18 tables, the others with those of three small ones, none like another's. Printed is the server's
resident memory after each tenth. Up to about 16,000 PCs it remembers the keys of those that reported; the goal is that
the second half adds at most 5 %. Full size: --pcs 100000.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import fleet
import loading
import receiving

from muster_server.store.database import Database

LANES = 32
STEP = 1000  # PCs that are made ready at a time, so that this process stays small, too
OWN = ("system_info", "boot", "interface_addresses")
GOAL = 1.05


def resident(pid: int) -> float:
    """Megabytes of a process in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def requests(office: fleet.Fleet, pcs: list[fleet.Pc], full: int) -> Iterator[bytes]:
    """The only report of each PC."""
    for pc in pcs:
        body = office.full(pc, 1) if pc.number < full else office.carrying(pc, OWN, 1)
        yield loading.request_of(pc.sign(body))


def main() -> int:
    """Send the reports, print the memory as it goes, and end with 1 when it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pcs", type=int, default=40_000, help="PCs (default 40,000)")
    parser.add_argument("--full", type=int, default=1_000, help="of these, with all their tables (default 1,000)")
    arguments = parser.parse_args()
    count = max(10 * LANES, arguments.pcs)
    office = fleet.Fleet()
    seen: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "muster.db"
        database = Database.create(path)
        pcs = office.pcs(count)
        waiting: list[fleet.Pc] = []
        with receiving.running("muster", path, copied=False) as (port, server):
            for pc in pcs:
                waiting.append(pc)
                if len(waiting) == STEP or pc.number == count - 1:
                    fleet.enrol(database, waiting, datetime.now(UTC))
                    found = asyncio.run(loading.load(port, list(requests(office, waiting, arguments.full)), LANES))
                    if found["statuses"] != {202: len(waiting)}:
                        raise RuntimeError(f"not everything was taken in: {found['statuses']}")
                    seen.append((pc.number + 1, resident(server.pid)))
                    waiting = []
        database.close()
    for tenth in range(10):
        number, megabytes = seen[max(0, (tenth + 1) * len(seen) // 10 - 1)]
        print(f"after {number:7} PCs {megabytes:8.1f} MB")
    half = seen[len(seen) // 2 - 1 if len(seen) > 1 else 0][1]
    growth = seen[-1][1] / half
    met = growth <= GOAL
    print(f"{'over the second half':19}{growth:8.2f} times   goal {GOAL}: {'met' if met else 'MISSED'}")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
