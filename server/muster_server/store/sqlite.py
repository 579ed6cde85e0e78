"""SQLite: in WAL mode with synchronous=FULL, so that a commit is on the disk before anyone is told (security.md §3.2).

SQLite before 3.51.3 can corrupt a database when two connections write or checkpoint at the same moment. So whoever
writes here, in whatever process, holds ``write.lock`` from the beginning of its transaction to the end of the
checkpoint that may follow the commit, and while it closes; all others open the file for reading alone (decision 4).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

BUSY_TIMEOUT = 10_000  # milliseconds a connection waits for a lock of another one
READERS = 8  # connections kept for reading
LOCK = "write.lock"


class Sqlite:
    """The engines on one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = threading.Lock()
        self._lock: int | None = None
        self.reader: Engine = self._engine("ro", READERS, ("query_only=ON",))
        self.writer: Engine = self._engine("rw", 1, ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"))
        event.listen(self.reader, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        event.listen(self.writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    def _engine(self, mode: str, size: int, pragmas: tuple[str, ...]) -> Engine:
        address = f"file:{quote(str(self.path))}?mode={mode}"

        def connect() -> sqlite3.Connection:
            # Autocommit: the driver must not begin transactions by itself. It would do so too late for a savepoint
            # and for the snapshot of a reader.
            made = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
            for pragma in (*pragmas, f"busy_timeout={BUSY_TIMEOUT}", "mmap_size=0"):
                made.execute(f"PRAGMA {pragma}")
            return made

        return create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=size, max_overflow=size)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The one writer of this file, among all threads and processes."""
        with self._thread:
            if self._lock is None:
                self._lock = os.open(self.path.with_name(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def serialise(self, connection: Connection) -> None:
        """BEGIN IMMEDIATE has done it."""

    def must_exist(self) -> None:
        """Raise ``FileNotFoundError`` where there is no file."""
        if not self.path.is_file():
            raise FileNotFoundError(str(self.path))


def create(path: Path, fill: Callable[[Path], Any]) -> None:
    """Make a new file, readable by its owner alone, and let ``fill`` make what belongs in it.

    It gets its name only when it is whole, so that an interrupted start leaves none behind. Raises ``FileExistsError``.
    """
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        fill(unfinished)
        os.link(unfinished, path)  # unlike a rename, it refuses to replace
    finally:
        unfinished.unlink()
