"""A whole check among false programs: what an environment says reaches neither the agent's answers nor its programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs of a Linux PC")
AGENT = Path(__file__).resolve().parents[3] / "agent"
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from muster_agent.cli import main; sys.exit(main())"
FOLDERS = ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin")
# Programs that may be asked though this PC has them not.
MORE = (
    "apt-get",
    "apt-cache",
    "apt-helper",
    "systemctl",
    "ip",
    "ss",
    "rpm",
    "dnf",
    "yum",
    "zypper",
    "nft",
    "ufw",
    "sshd",
)
TRIES = 3  # somebody else may open a port between two looks


def false_programs(folder: Path) -> Path:
    """A folder with a program of every name there is; each leaves a mark when it is started. Returns the mark."""
    mark, program = folder / "mark", folder / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {mark}\n')
    program.chmod(0o755)
    (folder / "bin").mkdir()
    names = {path.name for place in FOLDERS if Path(place).is_dir() for path in Path(place).iterdir()}
    for name in names | set(MORE):
        (folder / "bin" / name).symlink_to(program)
    return mark


def check(environment: dict[str, str], folder: Path) -> dict[str, Any]:
    """The tables of a check, begun in ``folder``."""
    argv = [sys.executable, "-I", "-S", "-B", "-c", START, str(AGENT), "--lang", "en", "check", "--json"]
    run = subprocess.run(argv, capture_output=True, timeout=120, cwd=folder, env=environment)
    assert run.returncode in (0, 3), run.stderr.decode()
    tables: dict[str, Any] = json.loads(run.stdout)["tables"]
    return tables


def test_false_programs_are_not_run_and_nothing_else_is_said(tmp_path: Path) -> None:
    mark = false_programs(tmp_path)
    (tmp_path / "home").mkdir()
    for name in (".bashrc", ".profile", ".rpmmacros", ".nftrc"):
        (tmp_path / "home" / name).write_text(f"%(touch {mark})\ntouch {mark}\n")
    (tmp_path / "apt.conf").write_text(f'APT::Update::Pre-Invoke {{"touch {mark}";}};\nDir "{tmp_path}/nowhere";\n')
    hostile = {
        "PATH": f"{tmp_path}/bin:.:{tmp_path}",
        "HOME": f"{tmp_path}/home",
        "APT_CONFIG": f"{tmp_path}/apt.conf",
        "LD_LIBRARY_PATH": str(tmp_path),
        "LD_BIND_NOT": "1",
        "BASH_ENV": f"{tmp_path}/program",
        "ENV": f"{tmp_path}/program",
        "SHELL": f"{tmp_path}/program",
        "PAGER": f"{tmp_path}/program",
        "SYSTEMD_PAGER": f"{tmp_path}/program",
        "RPM_CONFIGDIR": str(tmp_path),
        "PERL5OPT": "-Mnowhere",
        "PYTHONPATH": str(tmp_path),
        "PYTHONHOME": str(tmp_path),
        "IFS": "/",
        "TMPDIR": f"{tmp_path}/nowhere",
        "LANG": "zh_CN.GB18030",
        "LC_ALL": "xx_XX.nowhere",
        "LANGUAGE": "zh",
        "TZ": ":/nowhere",
        "COLUMNS": "10",
    }
    (tmp_path / "sitecustomize.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    tables = check({"PATH": "/usr/bin:/bin"}, Path("/"))
    for _ in range(TRIES):
        said = check(hostile, tmp_path)
        if said == tables:
            break
        tables = check({"PATH": "/usr/bin:/bin"}, Path("/"))
    assert said == tables
    assert not mark.exists(), mark.read_text()


def test_the_mark_would_be_left(tmp_path: Path) -> None:
    mark = false_programs(tmp_path)
    subprocess.run("ls; apt-get -s upgrade", shell=True, env={"PATH": f"{tmp_path}/bin"}, check=True, timeout=30)
    assert mark.read_text().splitlines() == [f"{tmp_path}/bin/ls ", f"{tmp_path}/bin/apt-get -s upgrade"]
