"""The Monday by which a log's oldest record is told."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect.settings.weeks import next_monday


@pytest.mark.parametrize(
    ("seconds", "monday"),
    [
        (345_600, "1970-01-05"),  # the first Monday there is, to the second
        (345_601, "1970-01-12"),
        (0, "1970-01-05"),
        (1_795_392_000, "2026-11-23"),
        (1_795_392_001, "2026-11-30"),
    ],
)
def test_a_monday_is_itself_and_a_second_later_the_next_one(seconds: int, monday: str) -> None:
    assert next_monday(seconds) == monday


@given(st.integers(min_value=0, max_value=4_000_000_000))
def test_it_is_a_monday_less_than_a_week_ahead(seconds: int) -> None:
    monday = datetime.datetime.strptime(next_monday(seconds), "%Y-%m-%d").replace(tzinfo=datetime.UTC)
    assert monday.weekday() == 0
    assert 0 <= monday.timestamp() - seconds < 7 * 24 * 60 * 60
