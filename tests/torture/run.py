"""Every proof of this folder, one after the other, each bounded: ``make torture``, or with ``ARGS=--quick`` short.

python tests/torture/run.py [--quick] [NAME …]
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMIT = 3600  # seconds for one proof

# The program, what it is given for the whole, and what it is given to see that it runs.
PROOFS: dict[str, tuple[list[str], list[str]]] = {
    "syncs": (["1000"], ["50"]),
    "power_cuts": (["200"], ["20"]),
    "server_kills": (["200"], ["4"]),
    "agent_kills": (["200"], ["4"]),
    "cut_connections": (["10000"], ["200"]),
    "one_writer": (["20"], ["4"]),
    "disk_full": ([], []),
    "migrations": ([], ["10"]),
    "backup": ([], ["20", "10"]),
    "postgresql": (["5"], ["1"]),
    "slow_clients": ([], ["--quick"]),
    "schemathesis_run": (["600"], ["20"]),
}


def main(words: list[str]) -> int:
    """Run those that are named, or all."""
    quick = "--quick" in words
    chosen = [word for word in words if word != "--quick"] or list(PROOFS)
    strange = sorted(set(chosen) - set(PROOFS))
    if strange:
        print(f"no such proof: {', '.join(strange)}; there are {', '.join(PROOFS)}", file=sys.stderr)
        return 2
    failed = []
    for name in chosen:
        began = time.monotonic()
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, str(HERE / f"{name}.py"), *PROOFS[name][quick]], timeout=LIMIT)
        if done.returncode != 0:
            failed.append(name)
        print(f"   {'FAILED' if done.returncode else 'held'}, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(chosen) - len(failed)} of {len(chosen)} held{': not ' + ', '.join(failed) if failed else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
