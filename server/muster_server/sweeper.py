"""The thread that judges what has come in: PCs that reported, soon; every PC, once an hour, because time alone can
turn a verdict.

Several server processes may share one database. One of them judges at a time, whoever gets the lock; it also judges
what a process that was killed had taken in. What was found is read back by all.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from muster_server.assessment import Assessor, assessor_of, sweep
from muster_server.deployment import Deployment
from muster_server.document.mistakes import PolicyError
from muster_server.receive.refusal import Refusal
from muster_server.receive.writer import Job, Writer
from muster_server.standing import ROUND, Standings, said
from muster_server.store import history, rounds, standings
from muster_server.store.database import Database, DatabaseError, named

SETTLE = 1.0  # seconds to wait for more reports before judging those that came
POLL = 3.0  # seconds between looks at what other processes have found
FULL = timedelta(hours=1)  # between looks at every PC
LEFT = 60.0  # seconds after which a report that nobody judged is judged by whoever sees it
CHUNK = 100  # PCs judged at a time: what they said, 800 packages each, is in memory meanwhile
REST = 1.0  # of the time a portion took, it rests after it: reports come first, and the sweep has an hour
PATIENCE = 30  # times the writer is asked again
PARTING = 10.0  # seconds at the end to judge what is left, or to wait for another process that judges

log = logging.getLogger("muster.sweep")


class Sweeper:
    """Remembers findings as reports come in. Call :meth:`accepted` for each, :meth:`close` at the end."""

    def __init__(self, deployment: Deployment, database: Database, writer: Writer) -> None:
        self.standings = Standings()
        self._deployment = deployment
        self._database = database
        self._writer = writer
        self._pending: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._first = True  # time has passed since a server last ran, so the first look is at every PC
        self._next_left = 0.0
        self._end = 0.0
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def accepted(self, pc: str) -> None:
        """A report of this PC has been stored."""
        with self._lock:
            self._pending.add(pc)
        self._wake.set()

    def close(self) -> None:
        """Judge what is left, for a few seconds, and stop."""
        self._end = time.monotonic() + PARTING
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing:
            self._turn()
            if self._wake.wait(POLL) and not self._closing:
                time.sleep(SETTLE)
        while self._pending and not self._turn() and not self._over():
            time.sleep(0.2)

    def _turn(self) -> bool:
        """Judge what there is to judge; False when another process is at it, or when that failed."""
        taken = self._take()
        try:
            self._refresh()
            left = self._left()
            if not taken and not left and not self._due():
                return True
            with self._database.once(ROUND) as mine:
                if mine:
                    self._refresh()
                    self._judge(taken | left)
                    return True
        except PolicyError as error:
            log.error("the policies cannot be used, findings are not updated: %s", error)
            return True  # the next look at every PC, or the next report, tries again
        except DBAPIError as error:
            log.warning("cannot judge now: %s", named(error))
        except DatabaseError as error:
            log.warning("cannot judge now: %s", error)
        except Exception as error:  # the server goes on receiving, and the next turn tries again
            log.error("a sweep failed: %r", error)
        with self._lock:
            self._pending |= taken
        return False

    def _take(self) -> set[str]:
        self._wake.clear()
        with self._lock:
            taken, self._pending = self._pending, set()
        return taken

    def _refresh(self) -> None:
        with self._database.read() as connection:
            self.standings.refresh(connection)

    def _due(self) -> bool:
        full = self.standings.full
        # Either way: a clock that was wrong may have left a moment to come.
        return self._first or full is None or abs(datetime.now(UTC) - full) >= FULL

    def _left(self) -> set[str]:
        """PCs whose reports another process took in and did not judge."""
        if self._closing or time.monotonic() < self._next_left:
            return set()
        self._next_left = time.monotonic() + LEFT
        before = datetime.now(UTC) - timedelta(seconds=LEFT)
        with self._database.read() as connection:
            return standings.unjudged(connection, before, self.standings.full)

    def _judge(self, reported: Collection[str]) -> None:
        assessor = assessor_of(self._deployment)  # read anew: a changed policy takes effect with the next report
        if not self._due() or self._closing:
            for some in _chunks(sorted(reported)):
                if self._over():
                    return
                self._look(assessor, some, reported=True)
            return
        begun = datetime.now(UTC)
        with self._database.read() as connection:
            everyone = history.pcs(connection)
        for some in _chunks(everyone):
            if self._over():
                return
            self._look(assessor, some, reported=False)
        self._store(lambda connection: rounds.done(connection, ROUND, begun))
        self._first = False
        self._refresh()

    def _over(self) -> bool:
        """Whether the time to judge has passed; the next server looks at every PC when it starts."""
        return self._closing and time.monotonic() > self._end

    def _look(self, assessor: Assessor, some: Collection[str], reported: bool) -> None:
        """Judge some PCs and remember what is new. Of those that ``reported`` it is noted that they were judged."""
        began = time.monotonic()
        seen = sweep(self._database, assessor, self._store, some)
        if reported:
            told = said(seen.judged, assessor.rules, seen.as_of)
        else:
            told = self.standings.changed(seen.judged, assessor.rules, seen.as_of)

        def store(connection: Connection) -> None:
            standings.save(connection, told, seen.as_of)

        if told:
            self._store(store)
        self._refresh()
        rest = began + (time.monotonic() - began) * (1 + REST)
        while not self._closing and time.monotonic() < rest:
            time.sleep(min(0.1, max(rest - time.monotonic(), 0.0)))

    def _store(self, job: Job) -> None:
        """Let the writer do it; while it has more than enough to do, reports come first."""
        for _ in range(PATIENCE):
            with contextlib.suppress(Refusal):
                self._writer.submit(job).result()
                return
            time.sleep(SETTLE)
        self._writer.submit(job).result()


def _chunks(names: list[str]) -> list[list[str]]:
    return [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
