"""The units as systemd itself reads them, and what it thinks of the service's exposure."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from muster_server.packaging import linux
from muster_server.packaging.contents import Order

MOST_EXPOSED = 3.5  # of 10; systemd calls up to 5 "OK", and a root service that reads everything cannot reach 0


@pytest.fixture
def units(order: Order, tmp_path: Path) -> Path:
    """The folder of the units; what they start lies where they say."""
    for entry in linux.entries(order):
        path = tmp_path / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(entry.data)
        path.chmod(entry.mode)
    return tmp_path / linux.UNITS


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    env = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60, env=env)


def test_systemd_understands_every_line(units: Path, tmp_path: Path) -> None:
    # The program is not installed on this machine: the copies start the one in the test's own folder.
    for path in units.iterdir():
        path.write_text(path.read_text().replace("=/usr/bin/muster-agent", f"={tmp_path}/usr/bin/muster-agent"))
    names = ("muster-agent.service", "muster-agent.timer", "muster-agent-start.timer")
    done = analyze("verify", "--man=no", *(units / name for name in names))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    service = units / "muster-agent.service"
    service.write_text(service.read_text() + "ProtectSytem=strict\n")
    assert "ProtectSytem" in analyze("verify", "--man=no", service).stderr, "it does notice a mistake"


def test_the_service_is_restricted(units: Path) -> None:
    done = analyze("security", "--offline=true", "--no-pager", units / "muster-agent.service")
    assert done.returncode == 0, done.stderr
    overall = re.search(r"Overall exposure level for muster-agent.service: ([0-9.]+) (\w+)", done.stdout)
    assert overall is not None
    assert float(overall[1]) <= MOST_EXPOSED, done.stdout
    assert overall[2] == "OK"


def test_the_timers_spread_an_office_and_make_up_for_what_was_missed(units: Path) -> None:
    said = (units / "muster-agent.timer").read_text()
    # Ten hours, of which every PC has its own moment in each quarter: tests/scorecard/arrivals.py.
    assert re.search(r"^RandomizedDelaySec=150min$", said, re.MULTILINE)
    assert re.search(r"^FixedRandomDelay=true$", said, re.MULTILINE)
    when = re.findall(r"^OnCalendar=(.+)$", said, re.MULTILINE)
    done = analyze("calendar", "--iterations=4", *when)
    hours = {"08:00:00", "10:30:00", "13:00:00", "15:30:00"}
    assert set(re.findall(r"\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d) UTC", done.stdout)) == hours
    start = (units / "muster-agent-start.timer").read_text()
    assert "Wants=muster-agent-start.timer\n" in said and "PartOf=muster-agent.timer\n" in start
    assert re.search(r"^OnBootSec=5min$", start, re.MULTILINE)
    assert re.search(r"^RandomizedDelaySec=45min$", start, re.MULTILINE)


def test_an_old_systemd_can_still_write_to_the_agents_folder(units: Path) -> None:
    """ProtectSystem=strict came with 232, StateDirectory= with 235: between them only ReadWritePaths= opens it."""
    said = (units / "muster-agent.service").read_text()
    assert "ProtectSystem=strict\n" in said
    assert "StateDirectory=muster-agent\n" in said
    assert "ReadWritePaths=/var/lib/muster-agent\n" in said
