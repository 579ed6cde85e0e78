"""The body of a report: the same facts are the same bytes."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

from muster_agent.facts import Boot, Table
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import packed, sign

TABLES = {"boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),))}
AGENT = "00000000-0000-4000-8000-000000000000"


def test_an_unchanged_pc_sends_the_same_bytes_at_another_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    key = SigningKey.generate()
    bodies = set()
    for moment in (0.0, 1.0, 1_900_000_000.0):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        bodies.add(sign(TABLES, AGENT, key, State(), "2026-11-24T08:00:00Z")[1].body)
    assert len(bodies) == 1


def test_a_body_is_one_gzip_stream_without_a_time_or_a_name() -> None:
    data = b"x" * 100_000
    body = packed(data)
    magic, method, flags, mtime = struct.unpack("<HBBI", body[:8])
    assert (magic, method, flags, mtime) == (0x8B1F, 8, 0, 0)
    assert gzip.decompress(body) == data
    assert len(body) < 1000


@pytest.mark.skipif(shutil.which("gzip") is None, reason="gzip is not installed")
def test_gzip_itself_reads_a_body(tmp_path: Path) -> None:
    path = tmp_path / "body.gz"
    path.write_bytes(packed(b"{}"))
    done = subprocess.run(["gzip", "-dc", str(path)], capture_output=True, timeout=20, check=True)
    assert done.stdout == b"{}"
