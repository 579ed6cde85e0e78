"""What a figure of the scorecard is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """What was measured, and whether it meets its target."""

    figure: str
    met: bool


Measure = Callable[[Path, bool], Any]  # given an empty folder, and whether small numbers will do


@dataclass(frozen=True)
class Line:
    """One number of the card: its figures, their targets, and what measures them. Lines with the same ``measure`` are
    measured once, and each takes out of it what is its own."""

    names: tuple[str, ...]
    targets: tuple[str, ...]
    measure: Measure
    figures: Callable[[Any], list[Measured]] = list


def at_most(limit: float, value: float, unit: str = "", digits: int = 2) -> Measured:
    """A figure that must not be above its target."""
    return Measured(f"{value:.{digits}f}{unit}", value <= limit)


def nought(value: int, of: str = "") -> Measured:
    """A figure that must be 0, and of how many it is."""
    return Measured(f"{value:,}{of}", value == 0)


def all_of(value: int, number: int) -> Measured:
    """A figure that must be all of a number."""
    return Measured(f"{value:,} of {number:,}", value == number > 0)
