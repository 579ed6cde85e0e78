"""Paragraphs of "Field: value" lines, the form of dpkg's database and apt's lists (deb822(5))."""

from __future__ import annotations

import re
from typing import Container, Dict, Iterable, Iterator, Pattern

from muster_agent.machine import CannotRead

GAP = b"\n\n"
# Where a paragraph begins, and the package it is about, in the form in which apt writes every list.
START = re.compile(rb"\n\n(?:Package: ([^\n]*))?")
PARAGRAPH_LIMIT = 4 * 1024 * 1024  # the longest in Debian's archive is about 20 kB

Fields = Dict[str, str]


def split(chunks: Iterable[bytes], detail: str) -> Iterator[bytes]:
    """The paragraphs of a file that arrives in pieces. Raises ``not_understood`` for one longer than any real one."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n\n")
        yield from whole
        if len(rest) > PARAGRAPH_LIMIT:
            raise CannotRead("not_understood", detail)
    yield rest


def name_of(paragraph: bytes) -> bytes:
    """The value of its Package field, which in nearly every paragraph comes first; empty when there is none."""
    start = 0
    if not paragraph.startswith(b"Package:"):
        start = paragraph.find(b"\nPackage:") + 1
        if start == 0:
            return b""
    line_end = paragraph.find(b"\n", start)
    return paragraph[start + 8 : line_end if line_end >= 0 else len(paragraph)].strip()


def of_packages(chunks: Iterable[bytes], names: Container[bytes], detail: str) -> Iterator[bytes]:
    """The paragraphs about the packages in ``names``, out of a file that arrives in pieces: what :func:`split` and
    :func:`name_of` say, without making 60,000 paragraphs of an archive to throw all but a thousand away.

    Raises ``not_understood`` for a paragraph longer than any real one.
    """
    rest = GAP
    for chunk in chunks:
        data = rest + chunk
        end = data.rfind(GAP)
        yield from _within(data, end, names)
        rest = data[end:]
        if len(rest) > PARAGRAPH_LIMIT:
            raise CannotRead("not_understood", detail)
    yield from _within(rest + GAP, len(rest), names)


def _within(data: bytes, end: int, names: Container[bytes]) -> Iterator[bytes]:
    """The paragraphs about ``names`` among those that begin with a gap before ``end``, where another gap is."""
    for found in START.finditer(data, 0, end):
        name = found.group(1)
        if name is None or name.strip() in names:
            paragraph = data[found.start() + len(GAP) : data.find(GAP, found.end())]
            if name is not None or name_of(paragraph) in names:
                yield paragraph


def fields(paragraph: bytes) -> Fields:
    """The fields of a paragraph, by lower-case name. Continuation lines are left out: no field we need has them."""
    found: Fields = {}
    for line in paragraph.decode("utf-8", "replace").split("\n"):
        if line[:1] in (" ", "\t", "#", ""):
            continue
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.lower(), value.strip())
    return found


def some_fields(paragraph: bytes, wanted: Pattern[bytes]) -> Fields:
    """The fields of a paragraph that ``wanted`` (see :func:`only`) finds: what :func:`fields` says of them, at a
    quarter of its cost."""
    found: Fields = {}
    for name, value in wanted.findall(b"\n" + paragraph):
        found.setdefault(name.decode("ascii").lower(), value.decode("utf-8", "replace").strip())
    return found


def only(*names: str) -> Pattern[bytes]:
    """The pattern of the fields of these names, behind a line feed: lines end with it and nothing else, and a pattern
    that begins with a character is looked for three times as quickly as one that begins with a place."""
    return re.compile(b"\n(" + "|".join(names).encode("ascii") + rb"):([^\n]*)", re.IGNORECASE)
