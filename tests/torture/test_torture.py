"""The torture, short: each proof once with small numbers, and each shown to find what it looks for.

The whole of it is ``make torture``.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent

traced_only = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


def proof(name: str) -> ModuleType:
    """One of the programs beside this file."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    spec = importlib.util.spec_from_file_location(f"torture_{name}", HERE / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_killed_servers_lose_nothing_they_acknowledged(tmp_path: Path) -> None:
    found = proof("server_kills").run(4, tmp_path)
    assert (found.lost, found.broken) == (0, 0)
    assert found.acknowledged > 20


@traced_only
def test_every_acknowledgement_follows_a_sync(tmp_path: Path) -> None:
    found = proof("syncs").run(60, tmp_path)
    assert found.without_sync == 0
    assert found.acknowledged >= 60


@traced_only
def test_the_trace_finds_a_server_that_does_not_sync(tmp_path: Path) -> None:
    syncs = proof("syncs")
    found = syncs.run(40, tmp_path, [sys.executable, "-c", syncs.UNSAFE])
    assert found.without_sync > found.acknowledged / 2


@traced_only
def test_power_cuts_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    found = proof("power_cuts").run(25, tmp_path, seconds=2.0)
    assert (found.lost, found.unusable) == (0, 0)
    assert found.acknowledged > 100 and found.dropped > 10


@traced_only
def test_the_cuts_find_a_server_that_does_not_sync(tmp_path: Path) -> None:
    program = [sys.executable, "-c", proof("syncs").UNSAFE]
    found = proof("power_cuts").run(25, tmp_path, seconds=2.0, program=program)
    assert found.lost > 0


@traced_only
def test_killed_agents_lose_nothing_and_report_nothing_twice(tmp_path: Path) -> None:
    steps = [("fsync", 1), ("fsync", 3), ("rename", 1), ("rename", 2), ("sendto", 2), ("recvfrom", 1), ("unlink", 1)]
    found = proof("agent_kills").run(len(steps) + 3, tmp_path, steps)
    assert (found.lost, found.doubled, found.gaps, found.left) == (0, 0, 0, 0)
    assert found.kills >= len(steps) and found.signed >= 2


def test_a_network_that_cuts_and_doubles_makes_no_report_count_twice(tmp_path: Path) -> None:
    found = proof("cut_connections").run(240, tmp_path)
    assert (found.doubled, found.lost, found.forged, found.waiting) == (0, 0, 0, 0)
    assert sum(found.harmed.values()) > 20 and found.reports == 240
