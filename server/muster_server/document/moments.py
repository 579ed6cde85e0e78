"""Durations of a policy and moments of a fact, and how the one is compared with the other."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

_DURATION = re.compile(r"(0|[1-9][0-9]{0,4})([dh])")
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
_MOMENT = re.compile(f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(T{_TIME})?")
# A clock that is off by hours, or set to local time, is an everyday thing; a date further ahead means nothing.
TOLERANCE = timedelta(days=1)


class Moment(NamedTuple):
    """A moment in UTC. A date without a time is the whole day: it begins at ``start`` and is over at ``end``."""

    start: datetime
    end: datetime


def duration(text: str) -> timedelta | None:
    """``3d`` or ``12h``; None for anything else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    return timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))


@lru_cache(maxsize=4096)
def moment(text: str) -> Moment | None:
    """``2026-11-23T06:05:00Z`` or ``2026-11-23``; None for anything else: the text comes from a PC."""
    if len(text) > 40 or _MOMENT.fullmatch(text) is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return Moment(at.astimezone(UTC), at.astimezone(UTC))
        at = at.replace(tzinfo=UTC)
        return Moment(at, at + timedelta(days=1))
    except (ValueError, OverflowError):
        return None
