"""The real application on a small real office, asked in this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SCORECARD = str(Path(__file__).resolve().parents[2] / "scorecard")
if SCORECARD not in sys.path:
    sys.path.insert(0, SCORECARD)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two units with a PC each, and one credential of every kind."""
    import small_office

    made = small_office.make(tmp_path_factory.mktemp("office") / "data")
    yield made
    made.close()
