"""The one thread that writes. Jobs that wait together share one commit, and each is told only after it.

One writing connection also keeps this process clear of SQLite's WAL-reset fault (before 3.51.3; decision 4).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sqlalchemy import Connection

from muster_server.receive.refusal import Refusal
from muster_server.store.database import Database

QUEUE_LIMIT = 512  # jobs that may wait; more are refused before they cost anything
BATCH = 64  # jobs that may share a commit

Job = Callable[[Connection], Any]


class Writer:
    """Runs jobs in order, each in its own savepoint: one that fails takes only itself back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.Queue[tuple[Job, Future[Any]] | None] = queue.Queue(QUEUE_LIMIT)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Future[Any]:
        """Queue ``job``; the future is done once its work is durably committed. Raises :class:`Refusal` when full."""
        future: Future[Any] = Future()
        try:
            self._queue.put_nowait((job, future))
        except queue.Full:
            raise Refusal(503, "busy", "too many reports wait", retry_after=30) from None
        return future

    def close(self) -> None:
        """Finish what waits and stop."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get())
            jobs = [entry for entry in batch if entry is not None]
            if jobs:
                self._commit(jobs)
            if len(jobs) < len(batch):
                return

    def _commit(self, batch: list[tuple[Job, Future[Any]]]) -> None:
        answers: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._database.write() as connection:
                for job, future in batch:
                    savepoint = connection.begin_nested()
                    try:
                        answers.append((future, job(connection), None))
                        savepoint.commit()
                    except Exception as error:  # told to whoever asked; the others go on
                        savepoint.rollback()
                        answers.append((future, None, error))
        except Exception as error:  # nothing of the batch was committed, so nobody may be told that it was
            answers = [(future, None, error) for _, future in batch]
        for future, result, failure in answers:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)
