"""Scorecard 12: PCs whose clocks are up to ten years wrong. No report may be lost, no silent PC may look fresh.

python tests/scorecard/clock.py
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "torture"))

import filled
import load

from muster_agent.sending.http import post
from muster_agent.sending.report import sign
from muster_agent.sending.send import headers_of
from muster_server.assessment import assess
from muster_server.tally.numbers import State

YEARS = (-10, -1, -0.01, 0, 0.01, 1, 10)
SILENT = timedelta(days=20)  # since the last report; the threshold is 7 days


def lost(folder: Path) -> int:
    """Reports that a real server did not take, or does not have, whatever the PC's clock said."""
    deployment = load.new_deployment(folder / "data")
    pcs = load.enrolled(deployment, len(YEARS))
    port, missing = load.free_port(), 0
    with load.serving(deployment.path, port):
        for pc, years in zip(pcs, YEARS, strict=True):
            at = (datetime.now(UTC) + timedelta(days=365.25 * years)).strftime("%Y-%m-%dT%H:%M:%SZ")
            signed = sign(pc.tables(), pc.id, pc.key, pc.last, at)[1]
            headers = {**headers_of(signed), "Muster-Sent-At": at}
            missing += post(f"http://127.0.0.1:{port}", "/v1/reports", signed.body, headers).status != 202
    return missing + len(YEARS) - load.count(deployment)


def fresh(folder: Path) -> int:
    """PCs that fell silent twenty days ago and are shown as anything else, whatever their last report said."""
    made = filled.filled(folder / "data", len(YEARS), 0)
    received = datetime.now(UTC) - SILENT
    for pc, years in zip(made.pcs, YEARS, strict=True):
        made.take([pc.sign(datetime.now(UTC) + timedelta(days=365.25 * years))], received)
    made.close()
    return sum(pc.state is not State.SILENT for pc in assess(folder / "data").pcs)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        found = (lost(Path(one)), fresh(Path(two)))
    print("reports lost {}, silent PCs that look fresh {}".format(*found))
    sys.exit(any(found))
