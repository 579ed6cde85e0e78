"""Migrations that are killed, short. The whole of it is ``make torture``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest


def test_a_migration_that_was_killed_leaves_the_old_database_or_the_new_one(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    found = importlib.import_module("migrations").run(tmp_path, cluster, every=80)
    assert found.unusable == 0
    assert found.old >= 6 and found.new == 2 and found.steps > 200
