"""The places for connections: how many may be open, how many bytes of requests may be held, and who gives way.

A full server must not be one that strangers have filled: who has waited longest without a complete request gives its
place to the next, first of the address that holds the most places. A PC that sends its report at once keeps its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from muster_server.receive.limits import Limits
from muster_server.receive.metrics import Metrics

if TYPE_CHECKING:
    from muster_server.receive.connection import Connection

HOLDS = 4096  # bytes of a request; who holds less is not worth closing for its bytes


class Places:
    """Every open connection, and those that wait: for a handshake, the rest of a request, or the next one."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits = limits
        self.metrics = metrics
        self.open: set[Connection] = set()
        self.in_flight = 0  # bytes
        self._waiting: dict[str, dict[Connection, None]] = {}  # by address; who has waited longest stands first
        metrics.connections.watch(lambda: len(self.open))
        metrics.in_flight.watch(lambda: self.in_flight)

    def make_place(self) -> bool:
        """Whether one more connection may come; another may have to go for it."""
        return len(self.open) < self.limits.connections or self.evict()

    def evict(self) -> bool:
        """Close who has waited longest. False when nobody waits: every connection has its request in work."""
        if not self._waiting:
            return False
        crowd = max(self._waiting.values(), key=lambda group: (len(group), -next(iter(group)).since))
        self.metrics.evicted.add("place")
        next(iter(crowd)).drop()
        return True

    def admit(self, connection: Connection) -> None:
        """A connection was taken."""
        self.open.add(connection)
        self.metrics.accepted.add()
        self.waits(connection)

    def waits(self, connection: Connection) -> None:
        """It waits from now on."""
        self._waiting.setdefault(connection.peer, {})[connection] = None

    def works(self, connection: Connection) -> None:
        """Its request is complete: it keeps its place until that is answered."""
        group = self._waiting.get(connection.peer, {})
        group.pop(connection, None)
        if not group:
            self._waiting.pop(connection.peer, None)

    def forget(self, connection: Connection) -> None:
        """It is gone."""
        self.open.discard(connection)
        self.works(connection)
        self.release(connection)

    def hold(self, connection: Connection, count: int) -> bool:
        """``count`` more bytes of its request. False when they are more than there is room for."""
        connection.held += count
        self.in_flight += count
        while self.in_flight > self.limits.bytes:
            others = (other for other in self.open if other.held >= HOLDS and other.waiting and other is not connection)
            oldest = min(others, key=lambda other: other.since, default=None)
            if oldest is None:
                return False
            self.metrics.evicted.add("bytes")
            oldest.drop()
        return True

    def release(self, connection: Connection) -> None:
        """The bytes of its request are no longer held."""
        self.in_flight -= connection.held
        connection.held = 0

    def check(self, now: float) -> None:
        """Close whatever is over its time."""
        for connection in list(self.open):
            connection.check(now)
