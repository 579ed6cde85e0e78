"""The .deb and the .rpm in a real Debian root: installed, run against a real server, upgraded, removed, purged."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from muster_server.packaging import build
from muster_server.packaging.contents import Made, Order

LINK = "etc/systemd/system/timers.target.wants/muster-agent.timer"
HOME = "var/lib/muster-agent"
AGENT = "/usr/bin/muster-agent"


def written(made: Made, folder: Path) -> Path:
    """The package as a file."""
    path = folder / made.name
    path.write_bytes(made.data)
    return path


def identity(root: Any) -> str:
    """Who the PC in the root is."""
    return str(json.loads((root / HOME / "enrolment.json").read_text())["agent"])


def compiled(root: Any) -> bool:
    """Whether every module of the agent has its byte-code."""
    folder = root / "usr/lib/muster-agent"
    sources = {path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py")}
    made = {path.parent.parent.relative_to(folder) / path.name.split(".")[0] for path in folder.rglob("*.pyc")}
    return bool(sources) and sources == made


def test_a_deb_is_installed_runs_is_upgraded_removed_and_purged(
    office: Any, root: Any, newer_agent: Path, tmp_path: Path
) -> None:
    before = root.files()
    package = root.bring(office.package("deb", tmp_path))
    root.must("dpkg", "-i", package)
    assert (root / LINK).is_symlink()
    assert (root / HOME / "token").stat().st_mode & 0o777 == 0o600
    assert (root / HOME).stat().st_mode & 0o777 == 0o711
    assert root.must("dpkg", "--verify", "muster-agent") == ""

    # Before the first run there is nothing to tell.
    assert root.run(AGENT, "status").returncode == 5
    first = root.run(AGENT, "run")
    assert first.returncode == 0, first.stderr
    assert "unit: 财务科" in first.stdout
    pc = identity(root)
    assert office.reports()[-1] == (pc, 1)
    assert (root / HOME / "token").read_bytes() == b"", "the token has served"
    assert root.must("dpkg", "--verify", "muster-agent") == "", "dpkg misses nothing"
    said = root.run(AGENT, "status", user=65534)
    assert "delivered" in said.stdout, said.stderr
    assert said.returncode == 3, "it has not been judged yet"
    assert root.run("cat", f"/{HOME}/key.pem", user=65534).returncode != 0
    assert compiled(root), "or the agent would be compiled at every run"

    newer = build("deb", office.order(agent=newer_agent, version="0.2.0"))
    root.must("dpkg", "-i", root.bring(written(newer, tmp_path)))
    assert root.must(AGENT, "--version").strip() == "muster-agent 0.2.0"
    second = root.run(AGENT, "run")
    assert second.returncode == 0, second.stderr
    assert (identity(root), office.reports()[-1]) == (pc, (pc, 2)), "an upgrade keeps the identity"
    assert (root / HOME / "token").read_bytes() == b""

    root.must("dpkg", "--remove", "muster-agent")
    assert not (root / LINK).is_symlink()
    assert not (root / "usr/lib/muster-agent").exists()
    assert identity(root) == pc
    root.must("dpkg", "-i", package)
    assert (root / LINK).is_symlink(), "what a removal disabled is enabled again"
    root.must("dpkg", "--remove", "muster-agent")

    root.must("dpkg", "--purge", "muster-agent")
    left = root.files() - before
    assert left <= {"./etc/systemd", "./etc/systemd/system", "./etc/systemd/system/timers.target.wants"}, (
        "systemd's own"
    )
    assert before - root.files() == set()


def test_a_timer_that_was_disabled_stays_so_through_an_upgrade(office: Any, root: Any, tmp_path: Path) -> None:
    order = office.order()
    root.must("dpkg", "-i", root.bring(written(build("deb", order), tmp_path)))
    (root / LINK).unlink()
    newer = Order(order.provided, version="0.2.0", agent=order.agent)
    root.must("dpkg", "-i", root.bring(written(build("deb", newer), tmp_path)))
    assert not (root / LINK).is_symlink()


def test_settings_that_others_can_change_are_refused_in_a_clear_line(office: Any, root: Any, tmp_path: Path) -> None:
    root.must("dpkg", "-i", root.bring(office.package("deb", tmp_path)))
    conf = root / "etc/muster-agent/agent.conf"
    count = len(office.reports())
    for path, mode in ((conf, 0o666), (conf.parent, 0o777)):
        kept = path.stat().st_mode
        path.chmod(mode)
        done = root.run(AGENT, "run")
        assert done.returncode == 5
        assert "others can change the agent's settings" in done.stderr
        assert "Traceback" not in done.stderr
        said = root.run(AGENT, "status")
        assert (said.returncode, "others can change" in said.stdout) == (3, True)
        path.chmod(kept)
    assert len(office.reports()) == count
    assert root.run(AGENT, "run").returncode == 0


def test_an_rpm_is_installed_runs_is_upgraded_and_erased(
    office: Any, root: Any, newer_agent: Path, tmp_path: Path
) -> None:
    if shutil.which("rpm") is None:
        pytest.skip("no rpm")

    def rpm(*words: str) -> str:
        # The dependencies are there, but Debian's rpm does not know of Debian's packages.
        line = ["rpm", "--root", str(root.path), "--dbpath", "/var/lib/rpm", "--nodeps", *words]
        done = subprocess.run(line, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    rpm("-i", str(office.package("rpm", tmp_path)))
    assert compiled(root)
    assert rpm("-V", "muster-agent") == ""
    assert (root / LINK).is_symlink()
    assert (root / HOME).stat().st_mode & 0o777 == 0o711
    first = root.run(AGENT, "run")
    assert first.returncode == 0, first.stderr
    pc = identity(root)
    assert (root / HOME / "token").read_bytes() == b""
    assert rpm("-V", "muster-agent") == "", "rpm does not mind the token that has served"

    newer = build("rpm", office.order(agent=newer_agent, version="0.2.0"))
    rpm("-U", str(written(newer, tmp_path)))
    assert root.must(AGENT, "--version").strip() == "muster-agent 0.2.0"
    assert (root / LINK).is_symlink()
    assert root.run(AGENT, "run").returncode == 0
    assert office.reports()[-1] == (pc, 2)

    rpm("-e", "muster-agent")
    assert not (root / LINK).is_symlink()
    for gone in ("usr/lib/muster-agent", "usr/bin/muster-agent", "usr/lib/systemd/system/muster-agent.timer"):
        assert not (root / gone).exists(), gone
    assert not (root / "etc/muster-agent/agent.conf").exists()
    assert identity(root) == pc, "rpm knows no purge: the identity stays until it is deleted"
