"""Text for a terminal: made inert, measured and cut by the cells it takes.

What stands in a file of the PC may be written to deceive who reads it: control characters move the cursor,
bidirectional marks turn a name around. Nothing of that reaches the terminal.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata

# Control (Cc), format (Cf: bidirectional marks, zero width), surrogates, and the two line separators.
ACTIVE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# What stays together at the end of a line: a word with its blanks, or one Chinese character with what closes it.
_WIDE, _CLOSING = "\u2e80-\uffef", "，。；：、！？）》」”"
# Compiled when a line is first wrapped: a set of that many characters takes longer than the rest of this module.
_UNIT = f"[{_WIDE}][{_CLOSING}]*|[^{_WIDE}\\s]+[{_CLOSING}]*\\s*|\\s+"


def terminal_cells() -> int:
    """Cells of a line, as shutil.get_terminal_size says; without shutil, which loads all its archives."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said[:9]) > 0:
        return int(said[:9])
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr, unused-ignore]
    except (AttributeError, ValueError, OSError):
        return 80  # there is no terminal


def inert(text: str) -> str:
    """``text`` with everything that is not to be seen written as an escape, e.g. \\x1b or \\u202e."""
    return "".join(
        character.encode("unicode_escape", "surrogatepass").decode("ascii")
        if unicodedata.category(character) in ACTIVE
        else character
        for character in text
    )


def cells(text: str) -> int:
    """How many cells of a terminal ``text`` takes: a Chinese character two, a combining mark none."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, its end replaced by an ellipsis when it is longer."""
    if cells(text) <= width:
        return text
    taken, room = "", width - 1
    for character in text:
        room -= _cells(character)
        if room < 0:
            break
        taken += character
    return taken + "…"


def padded(text: str, width: int) -> str:
    """``text`` cut and filled to exactly ``width`` cells."""
    short = cut(text, width)
    return short + " " * (width - cells(short))


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """``text`` in lines of at most ``width`` cells, the second and later ones behind ``indent``."""
    lines, line = [], ""
    for piece in re.findall(_UNIT, text):
        if cells((line + piece).rstrip()) > width and line.strip():
            lines.append(line.rstrip())
            line = indent
        while cells(piece.rstrip()) > width - cells(line):  # a path longer than a line breaks anywhere
            part = cut(piece, width - cells(line) + 1)[:-1]
            lines.append(line + part)
            line, piece = indent, piece[len(part) :]
        line += piece
    return [*lines, line.rstrip()]
