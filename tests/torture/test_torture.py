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
