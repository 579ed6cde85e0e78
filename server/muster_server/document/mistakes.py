"""What is wrong in a policy file: where, what, and what was probably meant.

PolicyError
    Carries every mistake of a file, or of all files of a folder, at once.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from muster_server.words import Words

MOST = 100  # mistakes kept of one file: beyond that nobody reads on, and a hostile file must not fill the memory


@dataclass(frozen=True)
class Place:
    """A place in a file; both count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True)
class Mistake:
    """One mistake. ``code`` is a key under ``policy.mistake.`` in reports/wording/policy.yaml."""

    path: str
    place: Place
    code: str
    args: dict[str, Any] = field(default_factory=dict)
    source: str = ""  # the line it stands on
    near: str | None = None  # the right name that was probably meant
    warning: bool = False  # the policy can be used all the same

    def text(self, words: Words) -> str:
        """``file:line:column: message``, the source line, a caret under the place, and what was probably meant."""
        args = {"path": self.path, **self.args}  # never empty: filling in is also what undoes doubled braces
        for name in ("kind", "other_kind"):
            if name in args:
                args[name] = words(f"policy.kind.{args[name]}")
        said = words(f"policy.mistake.{self.code}", **args)
        if self.warning:
            said = words("policy.warning", said=said)
        head = f"{self.path}:{self.place.line}:{self.place.column}: {said}"
        start, shown = _window(self.source, self.place.column)
        caret = "".join(_blank(letter) for letter in shown[: self.place.column - 1 - start]) + "^"
        lines = [head, "    " + shown, "    " + caret]
        if self.near is not None:
            lines.append("    " + words("policy.near", near=self.near))
        return "\n".join(printable(line) for line in lines)


class PolicyError(Exception):
    """A policy cannot be used. ``mistakes`` holds all of them, warnings included."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(mistake.text(Words("en")) for mistake in self.mistakes))


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, or None when none is close."""
    by_folded = {known.casefold(): known for known in names}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def printable(text: str) -> str:
    """``text`` without anything that could steer a terminal; line breaks of our own stay outside of it."""
    return "".join(letter if letter == "\t" or letter.isprintable() else "�" for letter in text)


def _window(line: str, column: int, width: int = 100) -> tuple[int, str]:
    """The part of a long line that shows ``column``, and at which character it starts."""
    start = max(0, column - 1 - width // 2) if len(line) > width else 0
    return start, line[start : start + width]


def _blank(letter: str) -> str:
    """As much room as ``letter`` takes in a terminal: a Chinese character takes two cells."""
    if letter == "\t":
        return letter
    return "  " if unicodedata.east_asian_width(letter) in "WF" else " "
