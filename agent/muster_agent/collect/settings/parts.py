"""The one row of the settings, put together from parts that fail each by itself."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Tuple

from muster_agent.facts import Problem, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.settings import Settings

# Columns, and the function that returns the values of all of them in that order, or raises.
Part = Tuple[Tuple[str, ...], Callable[[Machine], Tuple[Any, ...]]]


def combined(machine: Machine, parts: Iterable[Part]) -> Table:
    """The row. A part that cannot be read leaves its columns null, and a note for each says why."""
    values: dict[str, Any] = {}
    notes: list[Problem] = []
    for columns, read in parts:
        try:
            values.update(zip(columns, read(machine)))
        except CannotRead as error:
            notes += [error.problem(column) for column in columns]
        except Exception as error:  # a fault in one part must not cost the others
            said = f"{type(error).__name__}: {error}"[:200]
            notes += [Problem("error", "collector_failed", said, column) for column in columns]
    return Table(rows=(Settings(**values),), notes=tuple(notes))
