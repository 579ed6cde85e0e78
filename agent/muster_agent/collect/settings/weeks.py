"""Days that hold still: a moment that moves every minute, told as the week it belongs to."""

from __future__ import annotations

import time

from muster_agent.machine import CannotRead
from muster_agent.system.filetime import LATEST

DAY = 24 * 60 * 60  # seconds
# 1970-01-01 was a Thursday, so the first Monday of the count is its fifth day.
FIRST_MONDAY = 4 * DAY


def next_monday(seconds: int) -> str:
    """The first Monday (UTC) that begins at or after ``seconds`` since 1970, as YYYY-MM-DD.

    The oldest record of a log that is being overwritten moves with every new record. Rounded up to a Monday it is
    still true ("the log reaches back at least to this day") and changes once a week. Raises ``not_understood`` for a
    moment no record can be of: anybody may give a file of his any time.
    """
    if not 0 <= seconds < LATEST:
        raise CannotRead("not_understood", f"{seconds} s")
    weeks = -((FIRST_MONDAY - seconds) // (7 * DAY))
    return time.strftime("%Y-%m-%d", time.gmtime(FIRST_MONDAY + weeks * 7 * DAY))
