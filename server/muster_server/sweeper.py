"""The thread that judges what has come in: PCs that reported, soon; every PC, once an hour, because time alone can
turn a verdict."""

from __future__ import annotations

import logging
import threading
import time

from muster_server.assessment import assessor_of, sweep
from muster_server.deployment import Deployment
from muster_server.document.mistakes import PolicyError
from muster_server.receive.writer import Writer
from muster_server.standing import Standings
from muster_server.store.database import Database

SETTLE = 1.0  # seconds to wait for more reports before judging those that came
FULL = 3600.0  # seconds between looks at every PC

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
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def accepted(self, pc: str) -> None:
        """A report of this PC has been stored."""
        with self._lock:
            self._pending.add(pc)
        self._wake.set()

    def close(self) -> None:
        """Judge what is left and stop."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        next_full = 0.0  # at once: time has passed since the server last ran
        while not self._closing:
            self._wake.wait(max(next_full - time.monotonic(), 0.0))
            if self._wake.is_set() and not self._closing:
                time.sleep(SETTLE)
            if time.monotonic() >= next_full:
                next_full = time.monotonic() + FULL
                self._sweep(None)
            else:
                self._sweep(self._take())
        self._sweep(self._take())

    def _take(self) -> set[str]:
        self._wake.clear()
        with self._lock:
            taken, self._pending = self._pending, set()
        return taken

    def _sweep(self, only: set[str] | None) -> None:
        if only is not None and not only:
            return
        try:
            assessor = assessor_of(self._deployment)  # read anew: a changed policy takes effect with the next report
            seen = sweep(self._database, assessor, lambda job: self._writer.submit(job).result(), only)
            self.standings.update(seen.judged, assessor.rules, seen.as_of)
        except PolicyError as error:
            log.error("the policies cannot be used, findings are not updated: %s", error)
        except Exception as error:  # the server goes on receiving, and the next sweep tries again
            log.error("a sweep failed: %r", error)
