"""The head of a request, held to one reading: what two servers could understand differently is refused.

h11 is lenient where the standard lets it be (folded lines, a lone line feed, a length said twice, a length beside a
chunked body). Behind a proxy that reads such a head otherwise, one request could be smuggled inside another, so here it
is refused before h11 looks at it (RFC 9112 §2.2, §5.2, §6.1 and §6.3 allow that).
"""

from __future__ import annotations

import re

import h11
from h11._receivebuffer import ReceiveBuffer

LINES = 100  # headers

# The origin form alone: a whole address, an authority or * in its place asks for something that is not here.
_REQUEST = re.compile(rb"[A-Z]{1,20} /[!-~]* HTTP/1\.([01])")
_ANY_REQUEST = re.compile(rb"[!-~]{1,40} [!-~]+ HTTP/[0-9.]{1,9}")
_TOLD = b"cCtT \t"  # how a line begins that says how long the body is, or that goes on with the line before it
_LENGTH = re.compile(rb"[0-9]{1,18}")


class Malformed(h11.RemoteProtocolError):
    """A head that is refused; the text says why and repeats nothing of it."""

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail, error_status_hint=status)


class StrictBuffer(ReceiveBuffer):
    """What was received and not read yet; gives h11 the lines of a head only when they hold."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """The lines up to the first empty one, or None while that has not come. Raises :class:`Malformed`."""
        before = len(self)
        lines: list[bytearray] | None = super().maybe_extract_lines()
        if lines:
            size = before - len(self)
            if size > self._limit:
                raise Malformed(f"the headers are larger than {self._limit} bytes", 431)
            if size != sum(map(len, lines)) + 2 * len(lines) + 2:
                raise Malformed("a line does not end in CR LF")
            check(lines)
        return lines


def check(lines: list[bytearray]) -> None:
    """Hold a request line and its headers to one reading. Trailers of a chunked body do not pass: they have no use.

    Raises :class:`Malformed`.
    """
    request = _REQUEST.fullmatch(lines[0])
    if request is None:
        if _ANY_REQUEST.fullmatch(lines[0]) is not None and not lines[0].endswith((b"HTTP/1.1", b"HTTP/1.0")):
            raise Malformed("the version of HTTP is not 1.1 or 1.0", 505)
        raise Malformed("the request line is not METHOD /path HTTP/1.1")
    if len(lines) > LINES:
        raise Malformed(f"there are more than {LINES} headers", 431)
    lengths = encodings = 0
    for line in lines[1:]:
        if line[0] not in _TOLD:
            continue
        if line.startswith((b" ", b"\t")):
            raise Malformed("a header is folded over lines")
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"content-length":
            lengths += 1
            if _LENGTH.fullmatch(value.strip(b" \t")) is None:
                raise Malformed("Content-Length is not one number")
        elif name == b"transfer-encoding":
            encodings += 1
    if lengths + encodings > 1:
        raise Malformed("the length of the body is said more than once")
    if encodings and request.group(1) == b"0":
        raise Malformed("Transfer-Encoding came with HTTP/1.0")
