"""How much may be in work at a time, and when whoever comes too much shall come again.

Everything is told before a body is read, so that being refused costs next to nothing. Who is refused gets a moment of
his own, drawn from a span that grows with the number of those who were refused before and are still to come: ten
thousand PCs that come back at the same minute are spread over the time it takes to serve them, not queued.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable

from muster_server.receive.refusal import Refusal

BYTES = 64 * 1024 * 1024  # of bodies in work
REPORTS = 512  # in work
SERVED = 100.0  # reports a second that are served for certain; a slow disk does that, too, because commits are shared
SHORTEST = 10.0  # seconds of the shortest span
LONGEST = 3600.0


class Pressure:
    """What is in work. Used by the event loop alone."""

    def __init__(
        self,
        limit: int = BYTES,
        reports: int = REPORTS,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._limit, self._reports = limit, reports
        self._clock, self._draw = clock, draw
        self._to_come = 0.0  # who was refused and has not been served yet, by what is served for certain
        self._at = clock()
        self.bytes = 0
        self.reports = 0

    def enter(self, size: int) -> None:
        """A report with a body of ``size`` bytes begins. Raises :class:`Refusal` when it has to come again."""
        if self.reports >= self._reports or self.bytes + size > self._limit:
            raise Refusal(503, "busy", "too many reports are in work", retry_after=self.later())
        self.reports += 1
        self.bytes += size

    def grow(self, size: int) -> None:
        """A report in work takes ``size`` bytes more, or less."""
        self.bytes += size

    def leave(self, size: int) -> None:
        """A report that takes ``size`` bytes is done with."""
        self.reports -= 1
        self.bytes -= size

    def later(self) -> int:
        """In how many seconds one who is refused shall come again."""
        now = self._clock()
        self._to_come = max(0.0, self._to_come - (now - self._at) * SERVED) + 1
        self._at = now
        span = min(max(2 * self._to_come / SERVED, SHORTEST), LONGEST)
        return 1 + math.floor(self._draw() * span)
