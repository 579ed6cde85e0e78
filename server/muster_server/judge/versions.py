"""Which of two versions is the newer, by the rules of the package system they come from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from muster_agent.versions import dpkg, rpm

_KEYS: dict[str | None, Callable[[str], Any]] = {"deb": dpkg, "rpm": rpm}
_DOTTED = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})*")


def key(system: str | None) -> Callable[[str], Any]:
    """The sort key for that package system's versions; it raises ``ValueError`` for what it cannot order."""
    return _KEYS.get(system, dotted_key)


def dotted_key(version: str) -> tuple[int, ...]:
    """Plain numbers with dots: 10.0.2 is newer than 9.9, and 10.0 is 10. Raises ``ValueError`` for anything else."""
    if _DOTTED.fullmatch(version) is None:
        raise ValueError(f"not plain numbers: {version[:80]!r}")
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def newer(left: str, right: str, system: str | None) -> int | None:
    """1 when ``left`` is newer, -1 when ``right`` is, 0 when they are equal; None when the two cannot be compared."""
    order = key(system)
    try:
        one, other = order(left), order(right)
    except ValueError:
        return None
    return int(one > other) - int(one < other)
