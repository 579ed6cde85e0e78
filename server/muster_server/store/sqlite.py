"""SQLite: in WAL mode with synchronous=FULL, so that a commit is on the disk before anyone is told (security.md §3.2).

SQLite before 3.51.3 can corrupt a database when two connections write or checkpoint at the same moment. So whoever
writes here, in whatever process, holds ``write.lock`` from the beginning of its transaction to the end of the
checkpoint that may follow the commit, and while it closes; all others open the file for reading alone, and such a
connection cannot checkpoint: the lock it would need is not given to a file that was opened for reading (decision 4;
tests/server/store/test_one_writer.py watches the system calls).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from muster_server.store.marker import Marker
from muster_server.store.unusable import Damaged, DatabaseError, Missing, ReadOnly

BUSY_TIMEOUT = 10_000  # milliseconds a connection waits for a lock of another one
READERS = 8  # connections kept for reading
LOCK = "write.lock"

FIXED = ((3, 44, 6), (3, 50, 7))  # in these lines the fault was mended before 3.51.3
FIRST_WITH_FAULT, FIRST_WITHOUT = (3, 7, 0), (3, 51, 3)
WITHDRAWN = (3, 52, 0)


def wal_reset_safe(version: tuple[int, ...]) -> bool:
    """Whether SQLite of that version (3, 44, 6) is free of the WAL-reset fault by itself."""
    if version < FIRST_WITH_FAULT:
        return True
    if version[:3] == WITHDRAWN:
        return False
    return version >= FIRST_WITHOUT or any(fixed <= version < (3, fixed[1] + 1) for fixed in FIXED)


class Sqlite:
    """The engines on one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = threading.Lock()
        self._lock: int | None = None
        self._marker = Marker(path)
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
            try:
                for pragma in (f"busy_timeout={BUSY_TIMEOUT}", "mmap_size=0", *pragmas):
                    made.execute(f"PRAGMA {pragma}")
            except BaseException:
                made.close()
                raise
            return made

        return create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=size, max_overflow=size)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The one writer of this file, among all threads and processes."""
        with self._thread:
            if self._lock is None:
                self._lock = self._first()
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _first(self) -> int:
        """Open the lock, and look after what the writer before left."""
        try:
            lock = os.open(self.path.with_name(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ReadOnly(f"{self.path.with_name(LOCK)}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._marker.recovered()
        except BaseException:
            os.close(lock)
            raise
        return lock

    def serialise(self, connection: Connection) -> None:
        """BEGIN IMMEDIATE has done it."""

    @contextmanager
    def once(self, name: str) -> Iterator[bool]:
        """A lock on a file of that name."""
        file = os.open(self.path.with_name(f"{name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(file)

    def check(self) -> None:
        """Whether the file is there, and its log where it must be."""
        if not self.path.is_file():
            raise Missing(str(self.path))
        if not os.access(self.path, os.R_OK):
            raise DatabaseError(f"{self.path}: {os.strerror(13)}")
        self._marker.check()
        if not os.access(self.path.parent, os.W_OK) and not self._log("-shm").exists():
            raise ReadOnly(str(self.path.parent))  # even a reader needs the file that readers and writers share

    def started(self) -> bool:
        """Take the marker. A log that holds something tells of an unclean stop too, whatever the marker says."""
        log = self._log("-wal")
        hot = log.exists() and log.stat().st_size > 0
        left = self._marker.take()
        with self.alone(), self.writer.connect() as connection, connection.begin():
            # Writes nothing new, and yet makes sure that the file can be written to: its schema's number, once more.
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")
        self._marker.serving()
        return left or hot

    def sound(self, seconds: float) -> bool:
        """Look through every page (PRAGMA quick_check)."""
        end = time.monotonic() + seconds
        found: list[str] = []
        with self.reader.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.set_progress_handler(lambda: time.monotonic() > end, 100_000)
            try:
                found = [str(row[0]) for row in raw.execute("PRAGMA quick_check(5)")]
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    return False
                found = [str(error)]
            finally:
                raw.set_progress_handler(None, 0)
        if found != ["ok"]:
            raise Damaged(f"{self.path}: {' '.join(found[0].split())}")
        return True

    def close(self) -> None:
        """Close every connection; the writing one alone, because closing may checkpoint."""
        self.reader.dispose()
        if self._lock is not None:
            self._marker.leave()
            with self.alone():
                self.writer.dispose()
            os.close(self._lock)
            self._lock = None

    def _log(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


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
