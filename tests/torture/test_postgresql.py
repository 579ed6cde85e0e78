"""PostgreSQL that goes away and servers that are killed on it, short. The whole of it is ``make torture``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def proof(monkeypatch: pytest.MonkeyPatch) -> Any:
    """tests/torture/postgresql.py."""
    monkeypatch.syspath_prepend(HERE)
    import importlib

    module = importlib.import_module("postgresql")
    monkeypatch.setattr(module, "AWAY", 0.5)
    yield module
    sys.modules.pop("postgresql", None)


def test_reports_are_refused_while_postgresql_is_away_and_taken_in_when_it_is_back(proof: Any, tmp_path: Path) -> None:
    found = proof.away(1, tmp_path)
    assert proof.good(found), found
    assert found.refused > 0, "nothing was acknowledged while nothing could be stored"


def test_one_of_two_servers_is_killed_and_its_pcs_go_to_the_other(proof: Any, tmp_path: Path) -> None:
    found = proof.killed(2, tmp_path)
    assert proof.good(found), found
    assert found.acknowledged > 100
