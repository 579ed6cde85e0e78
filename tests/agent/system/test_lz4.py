"""LZ4 unpacked by its own library is what apt-helper prints of the same file, whole or damaged."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from muster_agent.local import LocalMachine
from muster_agent.machine import CannotRead
from muster_agent.system import lz4

HELPER = "/usr/lib/apt/apt-helper"
pytestmark = pytest.mark.skipif(
    not lz4.available() or not Path(HELPER).exists() or shutil.which("lz4") is None,
    reason="needs liblz4, apt-helper and the program lz4",
)


def packed(folder: Path, data: bytes, *options: str) -> Path:
    """A file with ``data`` packed by the program lz4."""
    (folder / "plain").write_bytes(data)
    path = folder / "packed.lz4"
    subprocess.run(["lz4", "-q", "-f", *options, folder / "plain", path], check=True, timeout=60)
    return path


def helper(path: Path) -> bytes | None:
    """What apt-helper prints of a file; None when it refuses it."""
    run = subprocess.run([HELPER, "cat-file", path], capture_output=True, timeout=60)
    return run.stdout if run.returncode == 0 else None


def ours(path: Path) -> bytes | None:
    """What we read of it; None when we refuse it."""
    try:
        return b"".join(LocalMachine().unpacked_chunks(str(path), [sys.executable, "must not be started"]))
    except CannotRead as error:
        assert (error.code, error.detail) == ("not_understood", str(path))
        return None


CONTENTS = {
    "empty": b"",
    "short": b"Package: a\n",
    "repeated": b"Package: a\nVersion: 1\n\n" * 100_000,
    "random": random.Random(1).randbytes(3_000_001),
}


@pytest.mark.parametrize("options", [(), ("-BD", "-B4"), ("-B7",), ("--no-frame-crc", "-9"), ("--content-size",)])
@pytest.mark.parametrize("data", CONTENTS.values(), ids=CONTENTS.keys())
def test_a_whole_file_is_unpacked(tmp_path: Path, data: bytes, options: tuple[str, ...]) -> None:
    path = packed(tmp_path, data, *options)
    assert ours(path) == data
    assert helper(path) == data


def test_a_file_that_was_cut_short_or_damaged_is_refused_as_apt_refuses_it(tmp_path: Path) -> None:
    whole = packed(tmp_path, CONTENTS["repeated"] + CONTENTS["random"][:70_000]).read_bytes()
    path = tmp_path / "damaged.lz4"
    chance = random.Random(2)
    for _ in range(40):
        cut = chance.randrange(len(whole))
        path.write_bytes(whole[:cut])
        assert ours(path) is None
        place = chance.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :])
        assert ours(path) == helper(path)
    for garbage in (b"", b"\n", b"not lz4 at all", b"\x04\x22\x4d\x18", b"\0" * 100_000):
        path.write_bytes(garbage)
        assert ours(path) is None
        assert helper(path) is None


def test_what_follows_the_first_frame_is_left_out_as_apt_leaves_it_out(tmp_path: Path) -> None:
    path = packed(tmp_path, CONTENTS["short"])
    path.write_bytes(path.read_bytes() * 2)
    assert ours(path) == helper(path) == CONTENTS["short"]


def test_a_file_that_unpacks_to_more_than_anything_real_is_refused(tmp_path: Path) -> None:
    pieces = [packed(tmp_path, b"\0" * 10_000_000).read_bytes()]
    with pytest.raises(CannotRead, match="too_large"):
        list(lz4.unpacked(pieces, "/bomb", limit=5_000_000))
    assert sum(map(len, lz4.unpacked(pieces, "/bomb", limit=10_000_000))) == 10_000_000


def test_what_is_packed_otherwise_is_left_to_the_program(tmp_path: Path) -> None:
    script = tmp_path / "program"
    script.write_text("#!/bin/sh\necho said\n")
    script.chmod(0o755)
    assert b"".join(LocalMachine().unpacked_chunks("/some/list.xz", [str(script)])) == b"said\n"
