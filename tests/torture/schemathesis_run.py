"""Schemathesis over the OpenAPI for as long as told: every credential and none, other requests every round.

``python tests/torture/schemathesis_run.py [SECONDS]`` (60 unless told) prints how many requests were made, how they
were answered, and how many faults were found; it ends with 1 when there were any. Scorecard line 14.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scorecard"))

import burst
import small_office

EXAMPLES = 20


def run(seconds: float) -> tuple[Counter[int], list[str]]:
    """Statuses and faults."""
    statuses: Counter[int] = Counter()
    faults: list[str] = []
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        seed = 0
        while time.monotonic() < until:
            # Anew every round: a round may have revoked or moved what it was asked with.
            office = small_office.make(Path(folder) / f"data-{seed}", names=("PC-0001", "a/b", "<script>"))
            try:
                found = burst.burst(office, until - time.monotonic(), EXAMPLES, seed)
            finally:
                office.close()
            statuses.update(found.statuses)
            faults += found.faults
            seed += 1
    return statuses, faults


if __name__ == "__main__":
    statuses, faults = run(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
    for fault in faults[:20]:
        print(fault)
    told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    print(f"{sum(statuses.values())} requests ({told}); faults: {len(faults)}")
    sys.exit(1 if faults else 0)
