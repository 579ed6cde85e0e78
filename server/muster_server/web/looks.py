"""The office as it was last judged, for whoever asks: one look serves everybody, and one is made at a time.

To judge 10,000 PCs takes seconds. So a look is made in a thread of its own, never on the event loop; who asks waits for
it a moment, and then is given the one before, which says as of when it is. Looks are made no more often than a
twentieth of the time they take allows, and while nobody asks now and then, so that the first in the morning need not
wait.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from muster_server.assessment import NoData, Snapshot, snapshot
from muster_server.assessment import month as assess_month
from muster_server.deployment import Deployment
from muster_server.document.mistakes import PolicyError
from muster_server.receive import log
from muster_server.receive.refusal import Refusal
from muster_server.tally import Month, Tally

WAIT = 1.2  # seconds a reader waits for a look before being given the one before, so that a page takes less than 2
SHARE = 20  # a look is good for so many times the time it took,
FRESH, STALE = 1.0, 60.0  # but for no less, and no more, than these seconds
IDLE = 600.0  # seconds after which a look that took longer than WAIT is made anew, asked for or not
KEPT = 6  # months that are kept
RETRY_AFTER = 3

NOW = ("", None)
Key = tuple[str, str | None]  # a month and the unit it is narrowed to; the office of now is narrowed afterwards

_log = logging.getLogger("muster.looks")


@dataclass(frozen=True)
class _Kept:
    value: Any
    made: float  # monotonic
    took: float  # seconds

    def fresh(self) -> bool:
        return time.monotonic() - self.made < min(max(self.took * SHARE, FRESH), STALE)


class Looks:
    """Made once a server; call :meth:`close` at its end."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._wanted: OrderedDict[Key, Future[Any]] = OrderedDict()
        self._working: tuple[Key, Future[Any]] | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="looks", daemon=True)
        self._thread.start()

    async def tally(self, unit: str | None) -> Tally:
        """The office now, or of ``unit`` alone. Raises :class:`Refusal`."""
        until = time.monotonic() + WAIT
        seen: Snapshot = await self._get(NOW)
        counted = asyncio.ensure_future(asyncio.to_thread(seen.tally, unit))
        try:
            return await asyncio.wait_for(asyncio.shield(counted), max(until - time.monotonic(), 0.1))
        except TimeoutError:
            counted.add_done_callback(_heard)
            raise being_judged() from None

    async def month(self, name: str, unit: str | None) -> Month:
        """A month. Raises :class:`Refusal`, and :class:`NoData`."""
        month: Month = await self._get((name, unit))
        return month

    def warm(self) -> None:
        """Begin to look, so that the first who asks need not wait."""
        self._ask(NOW)

    def close(self) -> None:
        """Finish the look that is being made and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    async def _get(self, key: Key) -> Any:
        kept = self._kept.get(key)
        if kept is not None and kept.fresh():
            return kept.value
        made = asyncio.wrap_future(self._ask(key))
        if kept is not None and kept.took > WAIT:
            made.add_done_callback(_heard)
            return kept.value  # the one that is being made would not come in time
        try:
            return await asyncio.wait_for(asyncio.shield(made), WAIT)
        except TimeoutError:
            made.add_done_callback(_heard)
            if kept is not None:
                return kept.value
            raise being_judged() from None
        except PolicyError as error:
            log.event(_log, logging.ERROR, "policies", error=str(error))
            raise Refusal(503, "policies", "the policies cannot be used", 60) from None

    def _ask(self, key: Key) -> Future[Any]:
        """The look that is being made, or will be."""
        with self._changed:
            if self._working is not None and self._working[0] == key:
                return self._working[1]
            if key not in self._wanted:
                self._wanted[key] = Future()
                if key == NOW:
                    self._wanted.move_to_end(key, last=False)
                self._changed.notify()
            return self._wanted[key]

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._wanted and not self._closing:
                    if not self._changed.wait(self._idle()):
                        self._wanted[NOW] = Future()
                if self._closing:
                    for future in self._wanted.values():
                        future.cancel()
                    return
                key, future = self._wanted.popitem(last=False)
                self._working = key, future
            self._make(key, future)

    def _idle(self) -> float | None:
        kept = self._kept.get(NOW)
        return IDLE if kept is not None and kept.took > WAIT else None

    def _make(self, key: Key, future: Future[Any]) -> None:
        began = time.monotonic()
        value, failure = None, None
        try:
            value = self._look(key)()
        except Exception as error:  # told to whoever asked
            failure = error
        now = time.monotonic()
        with self._changed:
            self._working = None
            if failure is None:
                self._kept[key] = _Kept(value, now, now - began)
                self._kept.move_to_end(key)
                for old in [one for one in self._kept if one != NOW][:-KEPT]:
                    del self._kept[old]
        if failure is None:
            future.set_result(value)
        else:
            if not isinstance(failure, NoData | PolicyError):
                log.event(_log, logging.ERROR, "look_failed", error=repr(failure))
            future.set_exception(failure)

    def _look(self, key: Key) -> Callable[[], Any]:
        name, unit = key
        if key == NOW:
            return self._now
        return lambda: assess_month(self._deployment.path, name, None if unit is None else {unit})

    def _now(self) -> Snapshot:
        """The office now, counted already for all who asked for the one before: each unit takes its time, too."""
        seen = snapshot(self._deployment, datetime.now().astimezone())
        before = self._kept.get(NOW)
        for unit in {None, *(before.value.units() if before is not None else ())}:
            seen.tally(unit)
        return seen


def being_judged() -> Refusal:
    """It takes longer than a reader is to wait."""
    return Refusal(503, "being_judged", "this is being worked out", RETRY_AFTER)


def _heard(future: asyncio.Future[Any]) -> None:
    """What became of it is told to whoever asks next."""
    if not future.cancelled():
        future.exception()
