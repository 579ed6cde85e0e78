"""Ten thousand PCs that failed together do not come back together, and none is silenced for ever."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from muster_agent.sending import pace as module
from muster_agent.sending.home import Home
from muster_agent.sending.pace import CAP, LONGEST, MARGIN, Pace, load, save, wait_after
from muster_agent.sending.retry_after import seconds


def test_each_wait_is_drawn_from_nothing_to_twice_the_last_up_to_an_hour() -> None:
    draw = random.Random(1).uniform
    for failures in range(12):
        drawn = [wait_after(failures, None, draw) for _ in range(2000)]
        most = min(CAP, module.BASE * 2**failures)
        assert 0 <= min(drawn) < most * 0.01 and most * 0.99 < max(drawn) <= most
    assert wait_after(10**6, None, draw) <= CAP


@pytest.mark.parametrize("asked", [0.0, 1.0, 60.0, 3600.0, 86400.0])
def test_what_the_server_asks_for_is_waited_for_and_up_to_a_fifth_more(asked: float) -> None:
    drawn = [wait_after(0, asked, random.Random(seed).uniform) for seed in range(500)]
    assert min(drawn) >= asked
    assert max(drawn) <= max(asked * (1 + MARGIN), module.BASE)
    assert len({round(one, 3) for one in drawn}) > 400, "and never for all PCs the same"


def test_a_hostile_server_silences_nobody_for_more_than_a_day() -> None:
    for asked in (10**6, 10**12, float("inf")):
        pace = Pace().failed(1000.0, "busy", asked)
        assert pace.not_before <= 1000.0 + LONGEST * (1 + MARGIN)
        assert pace.holds(1001.0) and not pace.holds(1000.0 + LONGEST * (1 + MARGIN) + 1)


def test_a_clock_that_is_set_anew_holds_nobody() -> None:
    pace = Pace().failed(2_000_000_000.0, "unreachable", 3600.0)
    assert pace.holds(2_000_000_001.0)
    assert not pace.holds(1_700_000_000.0), "the clock was ahead when it was written"
    assert not Pace(1, 9e18, 0.0).holds(1_700_000_000.0), "a moment that nobody can have meant"


def test_it_is_remembered_and_damage_is_a_fresh_start(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "home"))
    assert load(home) == Pace()
    save(home, Pace())
    assert not (home.path / module.FILE).exists(), "nothing is written while there is nothing to remember"
    pace = Pace().failed(1000.0, "busy", 60.0).stuck_at(7).stuck_at(7)
    save(home, pace)
    assert load(home) == pace and (pace.stuck, pace.tries) == (7, 2)
    assert pace.stuck_at(8).tries == 1
    for content in (b"", b"{", b"[]", b"null", b'{"failures": 1}', b"\xff", b"[" * 100_000, b'{"failures": "x"}'):
        (home.path / module.FILE).write_bytes(content)
        assert load(home) == Pace()


@pytest.mark.parametrize(
    ("said", "date", "found"),
    [
        ("30", None, 30.0),
        (" 0 ", None, 0.0),
        ("9" * 60, None, 999999999999.0),
        ("Tue, 24 Nov 2026 08:01:00 GMT", "Tue, 24 Nov 2026 08:00:00 GMT", 60.0),
        ("Tue, 24 Nov 2026 07:00:00 GMT", "Tue, 24 Nov 2026 08:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2026 08:01:00 GMT", None, None),
        ("-5", None, None),
        ("1.5", None, None),
        ("1e9", None, None),
        ("٣", None, None),
        ("soon", "soon", None),
        ("x" * 100, None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_retry_after_is_seconds_or_a_moment_by_the_servers_clock(
    said: str | None, date: str | None, found: float | None
) -> None:
    assert seconds(said, date) == found
