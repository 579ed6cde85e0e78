"""What the server tells a PC of itself with each receipt: what stood open when it was last judged.

It is text to be shown to the person at the PC and nothing else: unsigned, bounded, made inert, never acted on
(docs/threat-model.md, No command channel).
"""

from __future__ import annotations

import re
from typing import Any, Mapping

from muster_agent.dataclass import dataclass

LANGUAGES = ("zh", "en")
SEVERITIES = ("high", "medium", "low")
OPEN_LIMIT = 100  # findings told
TEXT_LIMIT = 500  # characters of a title or of what to do
SIZE_LIMIT = 32 * 1024  # bytes of all of it: an answer may have 64 KiB, and what else it holds must fit (http.py)

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_WHOLE = re.compile("[^\ud800-\udfff]*")  # JSON can name half a character, and nothing can write it to a file
_COUNT_LIMIT = 100_000


class NotUnderstood(ValueError):
    """What should be a judgement is none."""


@dataclass(frozen=True)
class Open:
    """One thing this PC should fix."""

    rule: str
    severity: str  # high, medium, low
    title: Mapping[str, str]  # {"zh": …, "en": …}
    fix: Mapping[str, str]
    due: str  # moment, UTC


@dataclass(frozen=True)
class Judged:
    """How this PC stood when the server last judged it."""

    as_of: str  # moment by the server's clock, UTC
    count: int  # findings that were open; of these ``open`` tells the first
    unknown: int  # checks that could not be told: never to be taken for passed
    open: tuple[Open, ...]


def parsed(content: Any) -> Judged | None:
    """The judgement in a server's answer or in a file; None where there is none yet. Raises :class:`NotUnderstood`."""
    if content is None:
        return None
    _is(isinstance(content, dict) and set(content) == {"as_of", "count", "unknown", "open"})
    _is(isinstance(content["open"], list) and len(content["open"]) <= OPEN_LIMIT)
    return Judged(
        _moment(content["as_of"]),
        _count(content["count"]),
        _count(content["unknown"]),
        tuple(_open(one) for one in content["open"]),
    )


def _open(one: Any) -> Open:
    _is(isinstance(one, dict) and set(one) == {"rule", "severity", "title", "fix", "due"})
    _is(one["severity"] in SEVERITIES)
    return Open(_text(one["rule"]), one["severity"], _both(one["title"]), _both(one["fix"]), _moment(one["due"]))


def _both(value: Any) -> dict[str, str]:
    _is(isinstance(value, dict) and set(value) == set(LANGUAGES))
    return {lang: _text(value[lang]) for lang in LANGUAGES}


def _text(value: Any) -> str:
    _is(isinstance(value, str) and len(value) <= TEXT_LIMIT and _WHOLE.fullmatch(value) is not None)
    return str(value)


def _moment(value: Any) -> str:
    _is(isinstance(value, str) and _MOMENT.fullmatch(value) is not None)
    return str(value)


def _count(value: Any) -> int:
    _is(type(value) is int and 0 <= value <= _COUNT_LIMIT)
    return int(value)


def _is(true: bool) -> None:
    if not true:
        raise NotUnderstood
