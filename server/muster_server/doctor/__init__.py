"""The doctor: every precondition of a deployment, each checked by itself. What cannot be checked is said to be unknown,
and unknown is not well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Found:
    """What one check found. ``code`` is a key under ``doctor.`` of reports/wording; what to do stands under
    ``CODE_advice``."""

    level: Level
    code: str
    values: dict[str, Any] = field(default_factory=dict)


Check = Callable[..., Iterator[Found]]


def ok(code: str, **values: Any) -> Found:
    """All is well."""
    return Found(Level.OK, code, values)


def warn(code: str, **values: Any) -> Found:
    """It works now and may not later, or somebody has to decide something."""
    return Found(Level.WARN, code, values)


def fail(code: str, **values: Any) -> Found:
    """It does not work, or is not safe."""
    return Found(Level.FAIL, code, values)


def unknown(code: str, **values: Any) -> Found:
    """It could not be checked."""
    return Found(Level.UNKNOWN, code, values)
