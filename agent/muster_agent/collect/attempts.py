"""Facts of one row that fail each by itself."""

from __future__ import annotations

from typing import Callable, TypeVar

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead

T = TypeVar("T")


class Attempts:
    """Asks for one column or several at a time, and keeps what could not be answered in :attr:`notes`."""

    def __init__(self) -> None:
        self.notes: list[Problem] = []

    def __call__(self, columns: str | tuple[str, ...], question: Callable[[], T]) -> T | None:
        """The answer, or None and a note for each of the columns that says why it is missing."""
        try:
            return question()
        except CannotRead as error:
            self.notes += [error.problem(column) for column in ((columns,) if isinstance(columns, str) else columns)]
            return None
