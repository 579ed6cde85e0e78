"""The order of package versions, as their package systems define it; versions are never compared as text.

``sorted(versions, key=dpkg)`` and ``dpkg(a) < dpkg(b)`` order Debian versions as dpkg does (deb-version(7)):
[epoch:]upstream[-revision], digits by value, ``~`` before the end, letters before everything else.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Tuple

Key = Tuple[Any, ...]

_PARTS = re.compile("([^0-9]*)([0-9]*)")
_EPOCH = re.compile("[0-9]+")
_BINARY_REBUILD = re.compile(r"\+b[0-9]+$")
_END = 0  # a text that ends sorts after ~ (-1) and before every character


def _character(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if "A" <= character <= "Z" or "a" <= character <= "z" else ord(character) + 0x110000


@functools.lru_cache(maxsize=4096)
def _text(text: str) -> tuple[int, ...]:
    return (*(_character(character) for character in text), _END)


def _part(part: str) -> Key:
    return tuple(item for text, digits in _PARTS.findall(part) for item in (_text(text), int(digits or "0")))


@functools.lru_cache(maxsize=16384)
def dpkg(version: str) -> Key:
    """The sort key of a Debian version.

    An absent revision equals "0", an absent epoch equals 0 (deb-version(7)). Raises ``ValueError`` for what dpkg
    refuses: an empty version, blanks inside, an epoch that is no number, a colon or hyphen with nothing behind it.
    """
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, hyphen, revision = rest.rpartition("-")
    if not hyphen:
        upstream, revision = rest, "0"
    if not _EPOCH.fullmatch(epoch) or not upstream or not revision or any(c.isspace() for c in version):
        raise ValueError(f"not a Debian version: {version[:80]!r}")
    return (int(epoch), _part(upstream), _part(revision))


def without_binary_rebuild(version: str) -> str:
    """The version of the source behind a binary: a rebuild without a change of source adds +bN."""
    return _BINARY_REBUILD.sub("", version)
