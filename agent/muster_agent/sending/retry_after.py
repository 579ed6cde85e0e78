"""The header Retry-After (RFC 9110, 10.2.3): seconds, or a moment by the server's clock."""

from __future__ import annotations


def seconds(value: str | None, date: str | None = None) -> float | None:
    """The seconds it asks for, never negative; None where it says nothing that is understood.

    A moment is compared with the answer's own ``date``: this PC's clock may be wrong.
    """
    said = (value or "").strip()
    if not said or len(said) > 64:
        return None
    if said.isascii() and said.isdigit():
        return float(said[:12])
    from email.utils import parsedate_to_datetime

    try:
        when, now = parsedate_to_datetime(said), parsedate_to_datetime(date or "")
        return max((when - now).total_seconds(), 0.0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
