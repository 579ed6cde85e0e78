"""The header structure of an .rpm: tagged values behind an index, closed by a region that makes it immutable.

Written after the rpm project's own description of the format (docs/manual/format_header.md, format_v4.md).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

INT16, INT32, STRING, BINARY, STRINGS, LOCALISED = 3, 4, 6, 7, 8, 9  # types of a value
SIGNATURES, IMMUTABLE = 62, 63  # the region of the signature header, and of the main one

_START = b"\x8e\xad\xe8\x01" + bytes(4)
_WIDTH = {INT16: (2, "H"), INT32: (4, "I")}

Value = tuple[int, int, bytes, int]  # tag, type, bytes, count


def number(tag: int, *values: int) -> Value:
    """32-bit numbers."""
    return _numbers(tag, INT32, values)


def short(tag: int, *values: int) -> Value:
    """16-bit numbers."""
    return _numbers(tag, INT16, values)


def string(tag: int, value: str) -> Value:
    """One text."""
    return tag, STRING, value.encode("utf-8") + b"\0", 1


def strings(tag: int, values: Sequence[str], kind: int = STRINGS) -> Value:
    """A list of texts; with ``LOCALISED`` one for each language of the header."""
    return tag, kind, b"".join(value.encode("utf-8") + b"\0" for value in values), len(values)


def binary(tag: int, value: bytes) -> Value:
    """Bytes."""
    return tag, BINARY, value, len(value)


def header(region: int, values: Sequence[Value]) -> bytes:
    """The header of ``values``, which are put into the order of their tags as rpm wants."""
    index, store = b"", b""
    for tag, kind, data, count in sorted(values, key=lambda value: value[0]):
        width = _WIDTH.get(kind, (1, ""))[0]
        store += bytes(-len(store) % width)
        index += struct.pack(">IIII", tag, kind, len(store), count)
        store += data
    entries = len(values) + 1
    first = struct.pack(">IIII", region, BINARY, len(store), 16)
    # The region's own data says how far the index reaches back from here: a negative number of bytes.
    store += struct.pack(">IIiI", region, BINARY, -16 * entries, 16)
    return _START + struct.pack(">II", entries, len(store)) + first + index + store


def _numbers(tag: int, kind: int, values: Sequence[int]) -> Value:
    return tag, kind, struct.pack(f">{len(values)}{_WIDTH[kind][1]}", *values), len(values)
