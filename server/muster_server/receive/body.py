"""The body of a report: unpacked within a limit, in canonical form, of the contract's types, or refused.

Canonical form alone rules out duplicate keys, odd numbers and encodings, and lone surrogates (security.md B10-B19):
the body must be, byte for byte, what canonical.canonical would write.
"""

from __future__ import annotations

import zlib

from muster_agent.limits import ROW_LIMIT, TEXT_LIMIT
from muster_server.receive import quick, thorough
from muster_server.receive.form import Body
from muster_server.receive.refusal import Refusal

OBJECT_LIMIT = ROW_LIMIT + 10_000  # rows and all else that has braces, of all tables together
RUN_LIMIT = 8 * TEXT_LIMIT  # bytes without a quotation mark: a text may take six for each character
UNPACKED_LIMIT = 8 * 1024 * 1024  # bytes; a PC with 5,000 packages sends about one million


def unpack(packed: bytes, limit: int = UNPACKED_LIMIT) -> bytes:
    """Undo gzip. Raises :class:`Refusal` for what is damaged, has something after it, or is larger than ``limit``."""
    plain = unpacked_to(packed, limit)
    if plain is None:
        raise Refusal(413, "too_large", f"the unpacked body is larger than {limit} bytes")
    return plain


def unpacked_to(packed: bytes, limit: int) -> bytes | None:
    """Undo gzip, or None for what is larger than ``limit``. Raises :class:`Refusal` for what is damaged."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(packed, limit + 1)
    except zlib.error:
        raise Refusal(400, "bad_gzip", "the body is not one whole gzip stream") from None
    if len(plain) > limit:
        return None
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise Refusal(400, "bad_gzip", "the body is not one whole gzip stream")
    return plain


def decode(plain: bytes) -> Body:
    """Read and check a body. Raises :class:`Refusal` naming the place."""
    _bounded(plain)
    read = quick.read(plain)
    return thorough.read(plain) if read is None else read


def _bounded(plain: bytes) -> None:
    """Refuse what would take many times its size once it is read: 600,000 rows in 8 MB take 270 (scorecard 15)."""
    if plain.count(b"{") > OBJECT_LIMIT:
        raise Refusal(422, "bad_report", f"more than {OBJECT_LIMIT} rows")
    start = 0
    while start + RUN_LIMIT < len(plain):
        start = plain.rfind(b'"', start, start + RUN_LIMIT) + 1
        if start == 0:
            raise Refusal(422, "bad_report", f"a text, or anything else, of more than {RUN_LIMIT} bytes")
