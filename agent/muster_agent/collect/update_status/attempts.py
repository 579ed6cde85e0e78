"""Facts of one row that fail each by itself."""

from __future__ import annotations

from typing import Callable, TypeVar

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead

T = TypeVar("T")


class Attempts:
    """Asks for one column after the other and keeps what could not be answered in :attr:`notes`."""

    def __init__(self) -> None:
        self.notes: list[Problem] = []

    def __call__(self, column: str, question: Callable[[], T]) -> T | None:
        """The answer, or None and a note that says why it is missing."""
        try:
            return question()
        except CannotRead as error:
            self.notes.append(error.problem(column))
            return None
