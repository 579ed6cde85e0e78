"""The kinds of field that acts ask for, bounded: over HTTP anybody with a credential fills them in."""

from __future__ import annotations

from typing import Annotated

import msgspec

from muster_server.acts.act import Refused

LINE = 100  # characters of a name or a unit
REASON = 500  # characters of a reason
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=LINE)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=REASON)]
PcName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]  # what a PC calls itself, or its id's beginning
TokenId = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{4,64}\Z")]
Days = Annotated[int, msgspec.Meta(ge=1, le=90)]
Uses = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


def line(text: str, code: str, limit: int = LINE) -> str:
    """``text`` without blanks around it. Raises :class:`Refused` with ``code`` for nothing or control characters."""
    stripped = text.strip()
    if not stripped or not stripped.isprintable() or len(stripped) > limit:
        raise Refused(code)
    return stripped


def reason(text: str) -> str:
    """An administrator's reason, one line. Raises :class:`Refused`."""
    return line(text, "bad_reason", REASON)
