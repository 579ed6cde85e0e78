"""How wrong a PC's clock is: the header Muster-Sent-At against the moment its report came.

Nothing hangs on it: not whether a report is taken, nor how fresh a PC is. It is told to who can set the clock right.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

HEADER = "Muster-Sent-At"
_MOMENT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")


def skew(sent_at: str | None, received: datetime) -> int | None:
    """Seconds the server's clock is ahead of the PC's, the time on the way included; None where the PC says nothing
    that is a moment. The header is not signed: whoever changes it can tell this PC's clock wrong, and nothing else."""
    found = None if sent_at is None else _MOMENT.fullmatch(sent_at)
    if found is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in found.groups())
        return round((received - datetime(year, month, day, hour, minute, second, tzinfo=UTC)).total_seconds())
    except ValueError:
        return None
