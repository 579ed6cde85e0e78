"""One writer at a time on SQLite, watched by strace, short; and that the watch sees what it is there to see."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


@pytest.fixture
def proof(monkeypatch: pytest.MonkeyPatch) -> Any:
    """tests/torture/one_writer.py."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("one_writer")


def test_B82_nobody_writes_beside_another_or_without_the_lock(proof: Any, tmp_path: Path) -> None:
    seen = proof.run(tmp_path, 0.5, servers=1)
    assert (seen.unlocked, seen.overlaps, seen.strangers) == (0, 0, [])
    assert seen.writers >= 4 and seen.writes > 200


def test_the_watch_sees_who_writes_beside_another_or_without_the_lock(proof: Any, tmp_path: Path) -> None:
    lock, log = "flock(7</d/write.lock>, LOCK_", 'pwrite64(8</d/muster.db-wal>, ""..., 24, 0) = 24 <0.000020>'
    first = [f"1.0 {lock}EX) = 0 <0.000010>", f"1.1 {log}", f"1.4 {lock}UN) = 0 <0.000010>", f"1.5 {log}"]
    second = [f"1.2 {lock}EX) = 0 <0.000010>", f"1.3 {log}", f"1.6 {lock}UN) = 0 <0.000010>"]
    for name, lines in (("serve-0.1", first), ("report-1.2", second)):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    seen = proof.judged(tmp_path, ("report",))
    assert (seen.writes, seen.unlocked, seen.overlaps, len(seen.strangers)) == (3, 1, 2, 1)
