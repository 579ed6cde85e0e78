"""Room on the disk: refused in time, the ballast goes when nothing else helps, and all of it by itself again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_server.store import space
from muster_server.store.space import BALLAST, FULL, MEGABYTE, Space, full_since


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk needs root (mount -t tmpfs)")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Something else takes the disk, but for so many bytes."""
    disk = os.statvfs(folder)
    path = folder / "other"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.posix_fallocate(descriptor, 0, disk.f_bavail * disk.f_frsize - leave)
    os.close(descriptor)
    return path


def test_a_disk_with_room(small: Path) -> None:
    watched = Space(small, 4 * MEGABYTE)
    assert not watched.refuses() and not watched.refuses()
    assert (small / BALLAST).stat().st_size == MEGABYTE // 2
    assert (small / BALLAST).stat().st_mode & 0o777 == 0o600
    assert full_since(small) is None


def test_a_disk_that_fills_is_noticed_before_it_is_full(small: Path) -> None:
    watched = Space(small, 4 * MEGABYTE)
    watched.refuses()
    other = fill(small, 3 * MEGABYTE)
    assert watched.refuses()
    since = full_since(small)
    assert since is not None and (small / FULL).stat().st_size == 0
    assert (small / BALLAST).stat().st_size, "there is still room without it"
    assert watched.refuses() and full_since(small) == since, "since when does not move"
    other.unlink()
    assert not watched.refuses()
    assert full_since(small) is None


def test_a_disk_that_something_else_has_filled_gives_up_its_ballast_and_gets_it_back(small: Path) -> None:
    watched = Space(small, 4 * MEGABYTE)
    watched.refuses()
    other = fill(small, 0)
    assert watched.refuses()
    room = watched.look()
    assert room.full and room.ballast == 0 and room.free >= MEGABYTE // 2, "room for a checkpoint"
    other.unlink()
    assert not watched.refuses()
    assert watched.look().ballast == MEGABYTE // 2 and full_since(small) is None


def test_it_does_not_go_in_and_out(small: Path) -> None:
    watched = Space(small, 4 * MEGABYTE)
    watched.refuses()
    other = fill(small, 4 * MEGABYTE - 8192)
    assert watched.refuses()
    os.truncate(other, other.stat().st_size - 64 * 1024)
    assert watched.refuses(), "a little more than what it takes is not room again"
    os.truncate(other, other.stat().st_size - MEGABYTE)
    assert not watched.refuses()


def test_what_must_be_free_suits_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk(gigabytes: int) -> None:
        blocks = gigabytes * 1024**3 // 4096
        status = os.statvfs(tmp_path)
        fields = list(status)
        fields[1], fields[2], fields[4] = 4096, blocks, blocks  # f_frsize, f_blocks, f_bavail
        monkeypatch.setattr(space.os, "statvfs", lambda path: os.statvfs_result(fields))

    for size, least in ((10, 500 * MEGABYTE), (100, 2 * 1024 * MEGABYTE), (8000, 5 * 1024 * MEGABYTE)):
        disk(size)
        assert abs(Space(tmp_path).look().least - least) < 50 * MEGABYTE, size


def test_a_folder_that_is_gone_does_not_refuse(tmp_path: Path) -> None:
    assert not Space(tmp_path / "none").refuses(), "the write will tell"
