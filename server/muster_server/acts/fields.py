"""The kinds of field that acts ask for, bounded: over HTTP anybody with a credential fills them in."""

from __future__ import annotations

from typing import Annotated

import msgspec

from muster_server.acts.act import Refused

LINE = 100  # characters of a name or a unit
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=LINE)]
Days = Annotated[int, msgspec.Meta(ge=1, le=90)]
Uses = Annotated[int, msgspec.Meta(ge=1, le=10_000)]


def line(text: str, code: str) -> str:
    """``text`` without blanks around it. Raises :class:`Refused` with ``code`` for nothing or control characters."""
    stripped = text.strip()
    if not stripped or not stripped.isprintable() or len(stripped) > LINE:
        raise Refused(code)
    return stripped
