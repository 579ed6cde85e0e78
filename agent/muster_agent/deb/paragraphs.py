"""Paragraphs of "Field: value" lines, the form of dpkg's database and apt's lists (deb822(5))."""

from __future__ import annotations

import re
from typing import Container, Dict, Iterable, Iterator, Pattern

from muster_agent.machine import CannotRead

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


def of_packages(paragraphs: Iterable[bytes], names: Container[bytes]) -> Iterator[bytes]:
    """The paragraphs about the packages in ``names``: a test of one field, because an archive has 60,000 of them."""
    for paragraph in paragraphs:
        # What name_of does, without a call, for the form in which apt writes every list.
        if paragraph.startswith(b"Package: "):
            line_end = paragraph.find(b"\n", 9)
            if (paragraph[9:line_end] if line_end >= 0 else paragraph[9:]).strip() in names:
                yield paragraph
        elif name_of(paragraph) in names:
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
    for name, value in wanted.findall(paragraph):
        found.setdefault(name.decode("ascii").lower(), value.decode("utf-8", "replace").strip())
    return found


def only(*names: str) -> Pattern[bytes]:
    """The pattern of the fields of these names. Lines end with a line feed and nothing else."""
    return re.compile(b"^(" + "|".join(names).encode("ascii") + rb"):([^\n]*)$", re.IGNORECASE | re.MULTILINE)
