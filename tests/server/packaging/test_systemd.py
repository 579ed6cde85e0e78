"""The .deb under a running systemd: the timer, and the service in all its restrictions against a real server."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BOOT_LIMIT = 120  # seconds
CHECK = "/run/systemd/system/muster-check.service"

Inside = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def booted(root: Any) -> Iterator[Inside]:
    """Start the system in the root; gives a function that runs a program in it, which must succeed unless told."""
    line = ["systemd-nspawn", "-D", str(root.path), "--register=no", "--keep-unit", "--console=pipe", "--boot"]
    nspawn = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "MUSTER_LANG": "en"}

    def inside(*words: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text().split()
        assert children, "the system has not started, or has stopped"
        enter = ["nsenter", "--target", children[0], "--all", *words]
        done = subprocess.run(enter, capture_output=True, text=True, timeout=120, env=environment)
        assert status is None or done.returncode == status, f"{words}: {done.stdout}{done.stderr}"
        return done

    try:
        deadline = time.monotonic() + BOOT_LIMIT
        while True:
            with contextlib.suppress(AssertionError, FileNotFoundError):
                if inside("systemctl", "is-system-running", status=None).stdout.strip() in ("running", "degraded"):
                    break
            assert nspawn.poll() is None and time.monotonic() < deadline, "the system did not start"
            time.sleep(0.3)
        yield inside
    finally:
        with contextlib.suppress(AssertionError, FileNotFoundError):
            inside("systemctl", "poweroff", "--force", status=None)
        try:
            nspawn.wait(60)
        except subprocess.TimeoutExpired:
            nspawn.kill()
            nspawn.wait()


def checked(inside: Inside, root: Any) -> dict[str, Any]:
    """What the agent reads in the service's restrictions: the shipped unit with ``check`` in place of ``run``."""
    unit = (root / "usr/lib/systemd/system/muster-agent.service").read_text()
    start = "ExecStart=/usr/bin/muster-agent "
    assert start + "run\n" in unit
    unit = unit.replace(start + "run\n", start + "check --json\nStandardOutput=file:/srv/restricted.json\n")
    (root / "srv/check.service").write_text(unit)
    inside("cp", "/srv/check.service", CHECK)
    inside("systemctl", "daemon-reload")
    inside("systemctl", "start", "muster-check.service")
    found: dict[str, Any] = json.loads((root / "srv/restricted.json").read_text())
    return found


def test_the_system_runs_it_in_its_restrictions_and_it_sees_as_much_as_without(
    office: Any, root: Any, newer_agent: Path, tmp_path: Path
) -> None:
    for tool in ("systemd-nspawn", "nsenter"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}")
    root.must("apt-get", "install", "-y", "-qq", "--no-install-recommends", "systemd", "systemd-sysv", "dbus")
    package = root.bring(office.package("deb", tmp_path))
    with booted(root) as inside:
        inside("dpkg", "-i", package)
        assert inside("systemctl", "is-enabled", "muster-agent.timer").stdout.strip() == "enabled"
        assert inside("systemctl", "is-active", "muster-agent.timer").stdout.strip() == "active"
        inside("systemctl", "start", "muster-agent.service")
        shown = inside("systemctl", "show", "muster-agent.service", "-p", "Result,ExecMainStatus").stdout
        assert sorted(shown.split()) == ["ExecMainStatus=0", "Result=success"]
        log = inside("journalctl", "--unit=muster-agent.service", "--output=cat", "--no-pager").stdout
        assert "delivered 1 report(s)" in log
        assert office.reports()[-1][1] == 1
        assert "delivered" in inside("setpriv", "--reuid=65534", "muster-agent", "status", status=3).stdout

        restricted = checked(inside, root)
        plain = json.loads(inside("muster-agent", "check", "--json", status=None).stdout)
        # nspawn gives every container a boot_id of its own by a mount that the service's view of /proc/sys undoes.
        for found in (restricted, plain):
            for row in found["tables"]["boot"]["rows"]:
                row.pop("boot_id")
        assert restricted["tables"] == plain["tables"]

        inside("dpkg", "-i", package)
        assert inside("systemctl", "is-active", "muster-agent.timer").stdout.strip() == "active"
        inside("dpkg", "--purge", "muster-agent")
        assert inside("systemctl", "is-active", "muster-agent.timer", status=None).stdout.strip() == "inactive"
        assert "could not be found" in inside("systemctl", "status", "muster-agent.timer", status=4).stderr
