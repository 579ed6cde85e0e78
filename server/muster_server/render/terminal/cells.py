"""Lines and tables measured in terminal cells, in which a Chinese character is two wide.

rich.Table shortens whatever it likes, host names and verdicts too. Here a column says itself whether it may be cut, on
which screens it stands, and whether it moves to a second line; what must never be shortened never is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.style import Style

from muster_server.render.inert import inert

__all__ = ["Cell", "Column", "Line", "Row", "bar", "cell_len", "cut", "fold", "labelled", "paint", "spread", "table"]

GAP = "  "
TWO_LINES = 60  # on screens narrower than this a record of the list is two lines
# The 16 colours of the reader's own theme; no background, no dim, no blinking (reports.md §2.3).
STYLES = {"good": "green", "bad": "bold red", "doubt": "yellow", "head": "bold"}
_WORD_AT_END = re.compile(r"[\w.:/+-]+\Z", re.ASCII)
_WORD_AT_START = re.compile(r"[\w.:/+-]", re.ASCII)
# Characters a line must not begin with, and those it must not end with (GB/T 15834).
_CLOSING = "，。；：！？、）》」』”’,.;:!?)]}%"
_OPENING = "（《「『“‘([{"


@dataclass(frozen=True)
class Cell:
    """A piece of text and how it looks. The text is made inert here, once, for every view."""

    text: str
    style: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", inert(self.text))


Line = tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    at: int = 0  # stands on screens of at least so many columns; 0: always, and is never dropped
    right: bool = False  # numbers stand right
    cut: int = 0  # may be cut with ".." down to so many cells; 0: never shortened
    below: bool = False  # goes to a line of its own when the screen is narrow


@dataclass(frozen=True)
class Row:
    """A row of a table, and labelled texts that stand folded under it."""

    cells: Sequence[Cell]
    details: Sequence[tuple[str, str]] = ()


def paint(lines: Sequence[Line], colour: bool) -> list[str]:
    """The lines as text, with ANSI colours or without a single escape."""
    return ["".join(_painted(cell, colour) for cell in _trimmed(line)) for line in lines]


def _trimmed(line: Line) -> Line:
    """The line without the padding at its end."""
    cells = list(line)
    while cells and not cells[-1].text.strip():
        cells.pop()
    return (*cells[:-1], Cell(cells[-1].text.rstrip(), cells[-1].style)) if cells else ()


def _painted(cell: Cell, colour: bool) -> str:
    if not colour or cell.style not in STYLES or not cell.text.strip():
        return cell.text
    return Style.parse(STYLES[cell.style]).render(cell.text, color_system=ColorSystem.STANDARD)


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, its loss marked with ``..`` (an ellipsis has no agreed width).

    Half a number or half a date would be a wrong one, and a whole one would look like half, so the cut falls before the
    word it would split, unless that word is most of the text.
    """
    if cell_len(text) <= width:
        return text
    taken = _take(text, max(width - 2, 0)).rstrip()
    least = len(taken) // 3
    while word := _WORD_AT_END.search(taken):
        whole = _WORD_AT_START.match(text[len(taken) :]) is None
        if word.start() < least or (whole and not taken[-1].isdigit()):
            break
        taken = taken[: word.start()].rstrip()
    return taken.rstrip(" ，,：:；;") + ".."


def _take(text: str, width: int) -> str:
    """As much of the beginning of ``text`` as ``width`` cells hold."""
    taken = text[:width]  # no character is narrower than a cell but marks, which may then fall to the next line
    while cell_len(taken) > width:
        taken = taken[:-1]
    return taken


def pad(cell: Cell, width: int, right: bool = False) -> Cell:
    """The cell filled with spaces to ``width`` cells."""
    space = " " * (width - cell_len(cell.text))
    return Cell(space + cell.text if right else cell.text + space, cell.style)


def bar(tenths: int, cells: int) -> str:
    """``[####....]``; full only for all, empty only for none, as the percentage beside it."""
    filled = min(cells, tenths * cells // 1000)
    if tenths > 0:
        filled = max(filled, 1)
    return "[" + "#" * filled + "." * (cells - filled) + "]"


def fold(text: str, width: int, style: str = "", first: str = "", rest: str = "") -> list[Line]:
    """``text`` on lines of at most ``width`` cells, the first after ``first`` and the others after ``rest``.

    Breaks between words and between Chinese characters; never inside a word or a number that fits a line.
    """
    lines: list[Line] = []
    current = ""
    start = first
    room = width - cell_len(first)
    for piece in _pieces(inert(text)):
        if cell_len(current + piece.rstrip()) > room and current:
            lines.append((Cell(start), Cell(current.rstrip(), style)))
            current, start, room = "", rest, width - cell_len(rest)
        while cell_len(piece.rstrip()) > room:
            taken = _take(piece, room) or piece[0]
            lines.append((Cell(start), Cell(taken, style)))
            piece, start, room = piece[len(taken) :], rest, width - cell_len(rest)
        current += piece
    if current or not lines:
        lines.append((Cell(start), Cell(current.rstrip(), style)))
    return lines


def _pieces(text: str) -> list[str]:
    """What a line may be broken between: words with the spaces after them, and single wide characters."""
    pieces: list[str] = []
    glued = False
    for match in re.finditer(r"\s+|[^\s\u1100-\uffff\U00020000-\U0003ffff]+|.", text):
        piece = match.group()
        joins = glued or piece.isspace() or piece[0] in _CLOSING or unicodedata.category(piece[0]).startswith("M")
        if pieces and joins:
            pieces[-1] += piece
        else:
            pieces.append(piece)
        glued = piece[-1] in _OPENING
    return pieces


def spread(parts: Sequence[Cell], width: int, indent: str = "", gap: str = "   ") -> list[Line]:
    """Parts side by side, and on as many lines as they need; a part is broken only when no line could hold it."""
    lines: list[Line] = []
    current: list[Cell] = []
    used = 0
    for part in parts:
        wide = cell_len(part.text)
        if current and used + len(gap) + wide <= width:
            current += [Cell(gap), part]
            used += len(gap) + wide
            continue
        if current:
            lines.append(tuple(current))
        start = indent if lines else ""
        if cell_len(start) + wide <= width:
            current, used = [Cell(start), part], cell_len(start) + wide
        else:
            *whole, last = fold(part.text, width, part.style, start, indent)
            lines += whole
            current, used = list(last), sum(cell_len(cell.text) for cell in last)
    return [*lines, tuple(current)] if current else lines


def labelled(pairs: Sequence[tuple[str, str]], width: int, indent: str = "") -> list[Line]:
    """Texts folded beside their labels."""
    lines: list[Line] = []
    widest = max((cell_len(label) for label, _ in pairs), default=0)
    for label, text in pairs:
        first = indent + label + " " * (widest - cell_len(label)) + GAP
        lines += fold(text, width, "", first, " " * cell_len(first))
    return lines


def table(columns: Sequence[Column], rows: Sequence[Row], columns_wide: int) -> list[Line]:
    """The rows under their heads, on a screen ``columns_wide`` wide; the last column of the screen stays free.

    When the room is short, columns that may be cut are cut, then those that stand only on wide screens drop out, then
    those that may go below do; if even that is too wide, every record is folded on lines of its own.
    """
    usable = columns_wide - 1
    shown = [index for index, column in enumerate(columns) if columns_wide >= column.at]
    below = [index for index in shown if columns[index].below and columns_wide < TWO_LINES]
    while True:
        main = [index for index in shown if index not in below]
        widths = _widths(columns, rows, main, usable)
        if widths is not None:
            break
        optional = [index for index in main if columns[index].at]
        movable = [index for index in main if columns[index].below]
        if optional:
            shown.remove(max(optional, key=lambda index: (columns[index].at, index)))
        elif movable:
            below.append(movable[0])
        else:
            return [line for row in rows for line in _stacked(row, main, below, usable)]
    lines = [_laid(columns, [Cell(column.title, "head") for column in columns], main, widths)]
    lines.append((Cell(GAP.join("-" * widths[index] for index in main)),))
    for row in rows:
        lines.append(_laid(columns, row.cells, main, widths))
        lines += _under(row, below, usable, GAP if below else " " * (widths[main[0]] + len(GAP)))
    return lines


def _widths(columns: Sequence[Column], rows: Sequence[Row], shown: Sequence[int], usable: int) -> dict[int, int] | None:
    """How wide each column is, or None when they do not fit."""
    widths = {
        index: max([cell_len(columns[index].title), *(cell_len(row.cells[index].text) for row in rows)])
        for index in shown
    }
    excess = sum(widths.values()) + len(GAP) * (len(shown) - 1) - usable
    for index in reversed(shown):
        if columns[index].cut and excess > 0:
            given = min(excess, max(widths[index] - max(columns[index].cut, cell_len(columns[index].title)), 0))
            widths[index] -= given
            excess -= given
    return widths if excess <= 0 else None


def _laid(columns: Sequence[Column], cells: Sequence[Cell], shown: Sequence[int], widths: dict[int, int]) -> Line:
    laid: list[Cell] = []
    for index in shown:
        cell = cells[index]
        if columns[index].cut:
            cell = Cell(cut(cell.text, widths[index]), cell.style)
        laid += [Cell(GAP), pad(cell, widths[index], columns[index].right)]
    return tuple(laid[1:])


def _under(row: Row, below: Sequence[int], usable: int, indent: str) -> list[Line]:
    lines = [line for index in below for line in fold(row.cells[index].text, usable, "", indent, indent)]
    return lines + labelled(row.details, usable, indent)


def _stacked(row: Row, main: Sequence[int], below: Sequence[int], usable: int) -> list[Line]:
    return [
        *spread([row.cells[index] for index in main], usable, GAP, GAP),
        *_under(row, below, usable, GAP),
    ]
