"""Nothing that others recorded is read wrongly, and what we have a reader for is read."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent


def test_no_recorded_case_is_wrong(shared: Path) -> None:
    spec = importlib.util.spec_from_file_location("accuracy_run", HERE / "run.py")
    assert spec is not None and spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    sys.modules["accuracy_run"] = run
    spec.loader.exec_module(run)
    found = run.scored(run.entries(shared / "recorded"))
    assert [result for results in found.values() for result in results if result.verdict == run.WRONG] == []
    assert [result for results in found.values() for result in results if result.detail.startswith(run.FAILED)] == []
    for module in run.readers():
        for topic in module.READS:
            counts = Counter(result.verdict for result in found[topic])
            assert counts[run.RIGHT] + counts[run.UNSTATED], f"{topic}: nothing is read"
