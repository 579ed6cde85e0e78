"""Scorecard 3: stored reports that plain openssl verifies from an export, with no code of ours.

python tests/scorecard/openssl.py [PCS DAYS]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import filled

MUSTER = [sys.executable, "-m", "muster_server"]


def measure(folder: Path, pcs: int = 5, days: int = 10) -> tuple[int, int]:
    """(verified, stored): each report by the commands that stand in the export's own README."""
    made = filled.filled(folder / "data", pcs, days)
    verified = 0
    for number, pc in enumerate(made.pcs):
        out = folder / f"evidence{number}"
        line = [*MUSTER, "--data", str(folder / "data"), "evidence", "export", pc.agent, "--out", str(out)]
        subprocess.run(line, check=True, capture_output=True, timeout=120)
        commands = re.findall(r"^ +(openssl .*)$", (out / "README.txt").read_text("utf-8"), re.M)[:3]
        for envelope in sorted((out / "reports").glob("*.envelope")):
            lines = envelope.read_text("ascii").splitlines()
            said = []
            for command in commands:
                shell = command.replace("KEY", lines[2]).replace("reports/N", f"reports/{envelope.stem}")
                said.append(subprocess.run(["sh", "-c", shell], cwd=out, capture_output=True, text=True, timeout=30))
            right = [one.returncode for one in said] == [0, 0, 0] and said[1].stdout.split()[-1] == lines[-1]
            verified += right
    made.close()
    return verified, pcs * days


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        print(
            "{} of {} stored reports verified by openssl alone".format(
                *measure(Path(temporary), *map(int, sys.argv[1:]))
            )
        )
