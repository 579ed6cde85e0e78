"""The one thread that writes. What waits together shares one commit, and each is told only after it.

Reports that wait together also share their statements (store.reports.accept_all); any other job has its own savepoint.
One writing connection also keeps this process clear of SQLite's WAL-reset fault (before 3.51.3; decision 4).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from muster_server.receive import log, storage
from muster_server.receive.metrics import Metrics
from muster_server.receive.refusal import Refusal
from muster_server.store.database import Database
from muster_server.store.reports import Accepted, Incoming

QUEUE_LIMIT = 512  # jobs that may wait; more are refused before they cost anything
BATCH = 128  # jobs that may share a commit
BATCH_BYTES = 8 * 1024 * 1024  # of bodies that may share a commit
FULL_RETRY = 30  # seconds
# Seconds that a commit waits for reports that are being checked. A commit costs as much as ten reports, and while it is
# made the threads that check and the one that writes only take the interpreter from each other.
GATHER = 0.02

Job = Callable[[Connection], Any]
Take = Callable[[Connection, Sequence[Incoming]], list[Accepted]]
Result = TypeVar("Result")

_log = logging.getLogger("muster.writer")


def die(reason: str) -> None:
    """End the process at once. Nothing is closed in order, because that would write to the disk once more."""
    log.event(_log, logging.CRITICAL, "stopped", reason=reason)
    os._exit(5)


@dataclass(eq=False)
class _Waiting:
    """Something to do, and who is told. A report is told to the loop it came from."""

    what: Job | Incoming
    told: Future[Any] | asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop | None = None

    @property
    def size(self) -> int:
        return len(self.what.signed.body) if isinstance(self.what, Incoming) else 0


_Answer = tuple[_Waiting, Any, BaseException | None]


class Writer:
    """Does jobs and takes in reports; one that fails takes only itself back.

    ``take`` stores reports (without it there can be none). ``fatal`` is called from the writing thread, with a code,
    when the disk does not confirm what was written: nothing is acknowledged any more and the process has to end.
    ``coming`` says how many reports are here and not committed, those that wait for this writer included.
    """

    def __init__(
        self,
        database: Database,
        take: Take | None = None,
        fatal: Callable[[str], None] = die,
        metrics: Metrics | None = None,
        coming: Callable[[], int] = lambda: 0,
    ) -> None:
        self._database = database
        self._take = take
        self._coming = coming
        self._fatal = fatal
        self._metrics = metrics or Metrics()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._stopped = False
        self._metrics.writer_queue.watch(self._queue.qsize)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Future[Any]:
        """Queue ``job``; the future is done once its work is durably committed. Raises :class:`Refusal` when full."""
        future: Future[Any] = Future()
        self._put(_Waiting(job, future))
        return future

    def report(self, incoming: Incoming) -> asyncio.Future[Accepted]:
        """Queue a report, from an event loop; done once it is durably committed. Raises :class:`Refusal` when full."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Accepted] = loop.create_future()
        self._put(_Waiting(incoming, future, loop))
        return future

    def close(self) -> None:
        """Finish what waits and stop."""
        self._queue.put(None)
        self._thread.join()

    def _put(self, one: _Waiting) -> None:
        if self._stopped:
            raise Refusal(503, "storage", "the server is stopping", retry_after=storage.RETRY_AFTER)
        if self._queue.qsize() >= QUEUE_LIMIT:
            raise Refusal(503, "busy", "too many reports wait", retry_after=FULL_RETRY)
        self._queue.put(one)

    def _run(self) -> None:
        going = True
        while going:
            batch: list[_Waiting] = []
            going = self._gather(batch)
            if batch:
                _tell(self._commit(batch))

    def _gather(self, batch: list[_Waiting]) -> bool:
        """Fill ``batch`` with what waits, and with what will in a moment; False when it is the last."""
        size, until = 0, 0.0
        while len(batch) < BATCH and size < BATCH_BYTES:
            try:
                if not batch:
                    one = self._queue.get()
                    until = time.monotonic() + GATHER
                elif self._coming() > len(batch):
                    one = self._queue.get(timeout=max(0.0, until - time.monotonic()))
                else:
                    one = self._queue.get_nowait()
            except queue.Empty:
                break
            if one is None:
                return False
            batch.append(one)
            size += one.size
        return True

    def _commit(self, batch: list[_Waiting]) -> list[_Answer]:
        if self._stopped:
            return _all_failed(batch, Refusal(503, "storage", "the server is stopping", storage.RETRY_AFTER))
        began = time.perf_counter()
        try:
            with self._database.write() as connection:
                answers = self._do(connection, batch)
        except Exception as error:  # nothing of the batch was committed, so nobody may be told that it was
            if storage.unconfirmed(error):
                self._stopped = True
                self._fatal("sync")
            return _all_failed(batch, error)
        self._metrics.batch.observe(len(batch))
        self._metrics.commit_seconds.observe(time.perf_counter() - began)
        return answers

    def _do(self, connection: Connection, batch: list[_Waiting]) -> list[_Answer]:
        reports = [one for one in batch if isinstance(one.what, Incoming)]
        # First what is not a report: who was revoked a moment ago stays out.
        answers = [_alone(connection, one, one.what) for one in batch if not isinstance(one.what, Incoming)]
        incoming = [one.what for one in reports if isinstance(one.what, Incoming)]
        if len(incoming) > 1:
            try:
                found = _undone_if_failed(connection, lambda open: self._taken(open, incoming))
                return [*answers, *((one, done, None) for one, done in zip(reports, found, strict=True))]
            except Exception as error:
                if storage.of_storage(error):
                    raise
                # One of them cannot be stored; which one, and that the others can, is found by storing each alone.
                log.event(_log, logging.ERROR, "batch_failed", reports=len(incoming), error=repr(error))
        for one, what in zip(reports, incoming, strict=True):
            answers.append(_alone(connection, one, lambda open, what=what: self._taken(open, [what])[0]))  # type: ignore[misc]
        return answers

    def _taken(self, connection: Connection, incoming: list[Incoming]) -> list[Accepted]:
        if self._take is None:
            raise TypeError("this writer takes no reports")
        return self._take(connection, incoming)


def _alone(connection: Connection, one: _Waiting, job: Job) -> _Answer:
    try:
        return one, _undone_if_failed(connection, job), None
    except Exception as error:  # told to whoever asked; the others go on
        if storage.of_storage(error):
            raise
        return one, None, error


def _undone_if_failed(connection: Connection, job: Callable[[Connection], Result]) -> Result:
    savepoint = connection.begin_nested()
    try:
        result = job(connection)
        savepoint.commit()
    except Exception:
        with contextlib.suppress(DBAPIError):  # a full disk has taken back everything already
            savepoint.rollback()
        raise
    return result


def _all_failed(batch: list[_Waiting], error: BaseException) -> list[_Answer]:
    return [(one, None, error) for one in batch]


def _tell(answers: list[_Answer]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[_Answer]] = {}
    for answer in answers:
        if answer[0].loop is None:
            _settle(answer)
        else:
            loops.setdefault(answer[0].loop, []).append(answer)
    for loop, told in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            loop.call_soon_threadsafe(_settle_all, told)


def _settle_all(answers: list[_Answer]) -> None:
    for answer in answers:
        _settle(answer)


def _settle(answer: _Answer) -> None:
    one, result, failure = answer
    if one.told.cancelled():  # its client has gone
        return
    if failure is None:
        one.told.set_result(result)
    else:
        one.told.set_exception(failure)
