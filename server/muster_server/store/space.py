"""Room on the disk: nothing more is taken in before it is too late, and everything goes on by itself afterwards.

A full SQLite cannot even delete (security.md §3.1). So reports are refused while there is still room for a checkpoint
and for retention, and a file of ballast lies in the data folder: where something else has filled the disk all the
same, it goes, and what it held is enough to come back. It is laid down again when there is room.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BALLAST = "ballast"
FULL = "storage-full"  # an empty file; its time says since when
MEGABYTE = 1024 * 1024
LEAST = 500 * MEGABYTE  # bytes that must be free
SHARE = 0.02  # of the disk, the same
MOST = 5 * 1024 * MEGABYTE  # more need not be free, however large the disk is
BALLAST_SIZE = 64 * MEGABYTE
AGAIN = 1.05  # of what must be free, before it counts as room again: not in and out with every report
RETRY_AFTER = 60  # seconds


@dataclass(frozen=True)
class Room:
    """What the disk of the data folder has."""

    free: int  # bytes, without the ballast
    least: int  # bytes that must be free
    ballast: int  # bytes of the ballast that is laid down
    since: datetime | None  # since when it is full

    @property
    def full(self) -> bool:
        """Whether nothing more is taken in."""
        return self.since is not None


class Space:
    """Watches the disk of a data folder. ``least`` is how many bytes must be free; None: what suits the disk."""

    def __init__(self, data: Path, least: int | None = None) -> None:
        self._data = data
        self._least = least
        self._size = BALLAST_SIZE if least is None else min(BALLAST_SIZE, least // 8)
        self._lock = threading.Lock()

    def look(self) -> Room:
        """What holds now, without doing anything about it. Raises ``OSError``."""
        disk = os.statvfs(self._data)
        free = disk.f_bavail * disk.f_frsize
        least = self._least
        if least is None:
            least = max(LEAST, min(int(disk.f_blocks * disk.f_frsize * SHARE), MOST))
        return Room(free, least, self._ballast(), full_since(self._data))

    def refuses(self) -> bool:
        """Whether a report that comes now is refused. Cheap: asked for each of them. Lets the ballast go when even the
        checkpoint would not fit, and lays it down again when there is room."""
        try:
            room = self.look()
        except OSError:
            return False  # the disk itself cannot be asked: the write will tell
        # The ballast is not room: what is missing of it is to come back first.
        left = room.free - (self._size - room.ballast)
        if not room.full and left >= room.least and room.ballast == self._size:
            return False
        with self._lock:
            return self._settle(left, room)

    def _settle(self, left: int, room: Room) -> bool:
        full = left < (room.least * AGAIN if room.full else room.least)
        with contextlib.suppress(OSError):  # tried again with the next report
            if full:
                if room.free < self._size and room.ballast:
                    os.truncate(self._data / BALLAST, 0)
                if not room.full:
                    (self._data / FULL).touch(mode=0o600)
            else:
                if room.ballast != self._size:
                    self._lay_down()
                if room.full:
                    (self._data / FULL).unlink(missing_ok=True)
        return full

    def _lay_down(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._data / BALLAST, flags, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
            os.ftruncate(descriptor, self._size)
        except OSError:
            os.ftruncate(descriptor, 0)
            raise
        finally:
            os.close(descriptor)

    def _ballast(self) -> int:
        try:
            return (self._data / BALLAST).lstat().st_size
        except OSError:
            return 0


def full_since(data: Path) -> datetime | None:
    """Since when the storage of a deployment is full; None: it is not."""
    try:
        return datetime.fromtimestamp((data / FULL).lstat().st_mtime, UTC)
    except OSError:
        return None
