"""The tar.gz for macOS: its daemon, and its scripts staged into a folder."""

from __future__ import annotations

import io
import plistlib
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from muster_server.packaging import build
from muster_server.packaging.contents import Order

HOME = "Library/Application Support/Muster"
DAEMON = "Library/LaunchDaemons/muster.agent.plist"


@pytest.fixture
def unpacked(order: Order, tmp_path: Path) -> Path:
    """The unpacked package."""
    made = build("macos", order)
    with tarfile.open(fileobj=io.BytesIO(made.data)) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / made.name.removesuffix(".tar.gz")


def run(script: Path, stage: Path, *words: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run a script of the package, staging into a folder."""
    env = {"PATH": "/usr/bin:/bin", "DESTDIR": str(stage), "MUSTER_PYTHON": python, "LC_ALL": "C.UTF-8"}
    return subprocess.run(["sh", str(script), *words], capture_output=True, text=True, timeout=60, env=env)


def test_installed_started_upgraded_and_removed(unpacked: Path, tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    done = run(unpacked / "install.sh", stage)
    assert done.returncode == 0, done.stderr
    home = stage / HOME
    assert home.stat().st_mode & 0o777 == 0o711
    assert (home / "token").stat().st_mode & 0o777 == 0o600
    assert (home / "agent.conf").stat().st_mode & 0o777 == 0o644
    start = home / "program" / "start.py"
    said = subprocess.run([sys.executable, "-IB", str(start), "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("muster-agent ")
    launcher = (home / "program" / "muster-agent").read_text()
    assert f'exec "{sys.executable}" -IB "/{HOME}/program/start.py" "$@"' in launcher
    assert (stage / "usr/local/bin/muster-agent").readlink() == Path(f"/{HOME}/program/muster-agent")

    (home / "state.json").write_text("mine")
    (home / "program" / "left-by-an-old-version.py").touch()
    assert run(unpacked / "install.sh", stage).returncode == 0
    assert (home / "state.json").read_text() == "mine"
    assert not (home / "program" / "left-by-an-old-version.py").exists()

    assert run(unpacked / "uninstall.sh", stage, "--keep").returncode == 0
    assert not (home / "program").exists()
    assert (home / "state.json").exists()
    assert run(unpacked / "uninstall.sh", stage).returncode == 0
    assert [path for path in stage.rglob("*") if not path.is_dir()] == []


def test_the_daemon_is_a_quiet_one_and_reports_at_a_minute_of_its_own(unpacked: Path, tmp_path: Path) -> None:
    minutes = set()
    for number in range(8):
        assert run(unpacked / "install.sh", tmp_path / str(number)).returncode == 0
        daemon = plistlib.loads((tmp_path / str(number) / DAEMON).read_bytes())
        times = daemon["StartCalendarInterval"]
        at = [time["Hour"] * 60 + time["Minute"] for time in times]
        assert all(set(time) == {"Hour", "Minute"} and time["Minute"] < 60 for time in times)
        assert [one - at[0] for one in at] == [0, 150, 300, 450]
        minutes.add(at[0] - 8 * 60)
    assert len(minutes) > 1
    assert minutes <= set(range(150))
    assert daemon["ProgramArguments"] == [f"/{HOME}/program/muster-agent", "run", "--scheduled"]
    assert daemon["Label"] == "muster.agent"
    assert daemon["RunAtLoad"] is True and daemon["LowPriorityIO"] is True
    assert daemon["ProcessType"] == "Background"
    assert daemon["Umask"] == 0o077


def test_without_a_python_that_serves_nothing_is_installed_and_both_languages_say_why(
    unpacked: Path, tmp_path: Path
) -> None:
    useless = tmp_path / "python3"
    useless.write_text("#!/bin/sh\nexit 1\n")
    useless.chmod(0o755)
    script = unpacked / "install.sh"
    # The only other candidate that can exist here is the system's, which must not serve in its place.
    script.write_text(script.read_text().replace("    /usr/bin/python3; do", "    ; do"))
    done = run(script, tmp_path / "stage", python=str(useless))
    assert done.returncode == 5
    assert "没有找到可用的 Python" in done.stderr
    assert "No Python 3.7 or newer with cryptography and psutil was found" in done.stderr
    assert not (tmp_path / "stage").exists()
