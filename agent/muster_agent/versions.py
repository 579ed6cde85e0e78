"""The order of package versions, as their package systems define it; versions are never compared as text.

``sorted(versions, key=dpkg)`` and ``dpkg(a) < dpkg(b)`` order Debian versions as dpkg does (deb-version(7)):
[epoch:]upstream[-revision], digits by value, ``~`` before the end, letters before everything else.

``rpm`` does the same for [epoch:]version[-release] by the rules of rpm (rpm-version(7)): digits by value and above
letters, ``~`` before the end, ``^`` behind it, every other character only divides.
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


# -- rpm -------------------------------------------------------------------------------------------------------------

# A run of digits, of ASCII letters, or one of the two marks; whatever else stands between them only divides.
_SEGMENT = re.compile("[0-9]+|[A-Za-z]+|[~^]")
_MARKS = {"~": (0,), "^": (2,)}
_RPM_END = (1,)
_EPOCH_OF_RPM = re.compile("([0-9]*):(.*)", re.DOTALL)


def _number(digits: str) -> Key:
    """Digits by value, without making a number of a thousand of them."""
    significant = digits.lstrip("0")
    return (len(significant), significant)


def _segment(text: str) -> Key:
    if text in _MARKS:
        return _MARKS[text]
    return (4, *_number(text)) if text.isdigit() else (3, text)


@functools.lru_cache(maxsize=4096)
def _rpm_part(part: str) -> Key:
    return (*(_segment(text) for text in _SEGMENT.findall(part)), _RPM_END)


@functools.lru_cache(maxsize=16384)
def rpm(version: str) -> Key:
    """The sort key of an rpm version, [epoch:]version[-release].

    An absent epoch equals 0; an absent release is below every release. What stands before a colon is an epoch only
    when it is a number, as in rpm's own parseEVR. Raises ``ValueError`` for what no package can have: nothing at all,
    or blanks inside.
    """
    if not version or any(character.isspace() for character in version):
        raise ValueError(f"not an rpm version: {version[:80]!r}")
    found = _EPOCH_OF_RPM.fullmatch(version)
    epoch, rest = found.groups() if found else ("0", version)
    upstream, hyphen, release = rest.rpartition("-")
    if not hyphen:
        return (_number(epoch), _rpm_part(rest), ())
    return (_number(epoch), _rpm_part(upstream), _rpm_part(release))
