"""The thread that looks after the storage of a running server: room on the disk every few seconds, and once a day
what has passed its term.

Of several servers on one database one prunes at a time.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import DBAPIError

from muster_server.deployment import Deployment
from muster_server.document.mistakes import PolicyError
from muster_server.receive.refusal import Refusal
from muster_server.receive.writer import Writer
from muster_server.store import retention, rounds
from muster_server.store.database import Database
from muster_server.store.space import MEGABYTE, RETRY_AFTER, Space
from muster_server.store.unusable import DatabaseError, named

LOOK = 5.0  # seconds between looks at the disk while nobody reports
DAY = timedelta(days=1)
ROUND = "prune"

log = logging.getLogger("muster.keeper")


class Keeper:
    """Give :meth:`refusal` to the receiver, and call :meth:`close` at the end."""

    def __init__(self, deployment: Deployment, database: Database, writer: Writer) -> None:
        self._deployment = deployment
        self._database = database
        self._writer = writer
        settings = deployment.settings()
        least = None if settings.keep_free is None else settings.keep_free * MEGABYTE
        # The disk of a PostgreSQL is another one, and it says itself when it is full.
        self._space = None if settings.database is not None else Space(deployment.path, least)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    def refusal(self) -> Refusal | None:
        """What every report gets while the disk has no room for it; None: there is room."""
        if self._space is None or not self._space.refuses():
            return None
        return Refusal(507, "storage_full", "the server's disk is nearly full", retry_after=RETRY_AFTER)

    def close(self) -> None:
        """Stop, after the step that is under way."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._space is not None:
                self._space.refuses()
            try:
                self._prune(datetime.now(UTC))
            except (DBAPIError, DatabaseError) as error:
                log.warning("cannot prune now: %s", named(error) if isinstance(error, DBAPIError) else error)
            except (Refusal, PolicyError) as error:
                log.warning("cannot prune now: %s", error)
            except Exception as error:  # the server goes on receiving, and the next turn tries again
                log.error("pruning failed: %r", error)
            self._closing.wait(LOOK)

    def _prune(self, now: datetime) -> None:
        if not self._due(now):
            return
        with self._database.once(ROUND) as mine:
            if not mine or not self._due(now):
                return
            keep = self._deployment.settings().keep_history
            done = retention.daily(self._database, lambda job: self._writer.submit(job).result(), keep, now)
            self._writer.submit(lambda connection: rounds.done(connection, ROUND, now)).result()
            if any(done.removed.values()):
                log.warning("pruned what had passed its term: %s", done.removed)

    def _due(self, now: datetime) -> bool:
        with self._database.read() as connection:
            last = rounds.last(connection, ROUND)
        # Either way: a clock that was wrong may have left a moment to come.
        return last is None or abs(now - last) >= DAY
