"""The file muster.db-serving: whether the last server on a SQLite file stopped in order.

A server holds it (flock) from its first write to its last, and takes it away as it stops. A server that was killed
leaves it behind. While it lies there the write-ahead log must lie there too, because only the last one to close the
database takes that away: where it is missing, somebody has removed what was acknowledged last. Whoever is the first
to write after a killed server notes that the log was there; from then on it may be gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from muster_server.store.unusable import Locked, LostLog

SERVING = b"serving\n"
RECOVERED = b"recovered\n"
PATIENCE = 1.0  # seconds; somebody who only reads what is in the marker holds it for a moment


class Marker:
    """The marker beside one database."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + "-serving")
        self._log = database.with_name(database.name + "-wal")
        self._held: int | None = None

    def check(self) -> None:
        """Raise :class:`LostLog` where a killed server's log is gone."""
        if self._left() == SERVING and not self._log.exists():
            raise LostLog(f"{self._log}")

    def recovered(self) -> None:
        """The first write of this process is about to happen, alone. Raises :class:`LostLog`."""
        if self._held is not None or self._left() != SERVING:
            return
        self.check()
        self._write(self.path, RECOVERED)

    def take(self) -> bool:
        """A server takes it before it writes; returns whether the one before left it behind.

        Raises :class:`Locked` where another server holds it, :class:`LostLog`.
        """
        self.check()
        left = self._left() is not None
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    os.close(file)
                    raise Locked(str(self.path)) from None
                time.sleep(0.05)
            else:
                self._held = file
                return left

    def serving(self) -> None:
        """The server has written, so the log lies there from now on."""
        self._write(self.path, SERVING)

    def leave(self) -> None:
        """The server is about to close the database in order."""
        if self._held is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._held)
            self._held = None

    def _left(self) -> bytes | None:
        """What a server that is gone left in it; None when there is none, or its server lives."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return os.read(file, 100)
        except BlockingIOError:
            return None
        finally:
            with contextlib.suppress(OSError):
                os.close(file)

    @staticmethod
    def _write(path: Path, text: bytes) -> None:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, text)
        finally:
            os.close(file)
