"""How much is in work at a time, and how those that come too much are spread."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from muster_server.receive.keyring import Keyring
from muster_server.receive.pressure import LONGEST, SERVED, SHORTEST, Pressure
from muster_server.receive.refusal import Refusal
from muster_server.store.keys import Key


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_bytes_and_reports_are_bounded_and_given_back() -> None:
    pressure = Pressure(limit=1000, reports=3)
    for size in (400, 400):
        pressure.enter(size)
    with pytest.raises(Refusal) as refusal:
        pressure.enter(201)
    assert (refusal.value.status, refusal.value.code) == (503, "busy")
    assert refusal.value.retry_after is not None
    pressure.enter(200)
    pressure.leave(400)
    pressure.enter(0)
    with pytest.raises(Refusal):
        pressure.enter(0)
    assert (pressure.bytes, pressure.reports) == (600, 3)


def test_what_a_report_carries_counts_until_it_is_done() -> None:
    pressure = Pressure(limit=1000, reports=3)
    pressure.enter(100)
    pressure.grow(900)
    with pytest.raises(Refusal):
        pressure.enter(1)
    pressure.leave(1000)
    pressure.enter(1000)


def test_one_that_is_refused_comes_again_soon() -> None:
    pressure = Pressure(clock=Clock(), draw=lambda: 0.999)
    assert 1 <= pressure.later() <= SHORTEST + 1


def test_ten_thousand_at_once_are_spread_over_the_time_it_takes_to_serve_them() -> None:
    clock, numbers = Clock(), random.Random(1)
    pressure = Pressure(clock=clock, draw=numbers.random)
    waits = [pressure.later() for _ in range(10_000)]
    assert max(waits) > 10_000 / SERVED
    assert max(waits) <= 2 * 10_000 / SERVED + 1
    assert max(Counter(waits).values()) < 10 * SERVED, "no second gets more than a few seconds' work"
    clock.now += 10_000 / SERVED
    assert pressure.later() <= SHORTEST + 1, "and once they have been served, nobody waits for long"


def test_nobody_is_sent_away_for_more_than_an_hour() -> None:
    pressure = Pressure(clock=Clock(), draw=lambda: 0.999)
    assert max(pressure.later() for _ in range(500_000)) <= LONGEST + 1


def test_a_keyring_forgets_who_has_not_reported_for_longest() -> None:
    ring = Keyring(size=2)
    key = Key(1, "a", b"", None)
    ring.fill({("a", "k"): key, ("b", "k"): key})
    assert ring.get("a", "k") is key
    ring.add("c", "k", key)
    assert ring.get("b", "k") is None
    assert ring.get("a", "other") is None
    assert len(ring) == 2
