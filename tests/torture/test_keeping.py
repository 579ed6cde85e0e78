"""The proofs of a full disk and of a backup under load, short; the whole of them is ``make torture``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


def proof(name: str) -> ModuleType:
    """One of the programs beside this file."""
    for folder in (str(HERE), str(HERE.parent / "scorecard")):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(f"torture_{name}", HERE / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_full_disk_loses_nothing_and_everything_goes_on_by_itself(tmp_path: Path) -> None:
    disk_full = proof("disk_full")
    try:
        found = disk_full.run(tmp_path)
    except disk_full.NoDisk as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    assert (found.lost, found.corrupted, found.other) == (0, 0, 0)
    assert found.refused > 10 and found.acknowledged > 20
    assert found.viewable and found.said and found.recovered < 60


def test_backups_under_load_are_whole(tmp_path: Path) -> None:
    found = proof("backup").run(tmp_path, pcs=10, days=10, rounds=1)
    assert (found.restored, found.backups, found.mode) == (2, 2, "0600")
    assert found.acknowledged > 5
