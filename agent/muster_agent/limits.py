"""What may travel: the server refuses what is beyond these limits, so the agent never sends it.

What a file of the PC says must not be able to silence the PC.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from muster_agent.columns import BOOLEAN, INTEGER
from muster_agent.facts import Problem, Table

TEXT_LIMIT = 10_000  # characters of one value
ROW_LIMIT = 50_000  # rows of one table
INTEGER_LIMIT = 2**63  # what both databases and JSON readers can hold
TYPES = {INTEGER: int, BOOLEAN: bool}  # of a column's kind; every other is text


def speakable(text: str) -> str:
    """``text`` as UTF-8 and PostgreSQL can hold it: bytes that are not text, and NUL, are written as escapes."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogatepass")
    return data.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def within_limits(table: Table) -> Table:
    """``table`` as it may travel. A value that is too large, or of another type than its column, is null and a note
    says so; so it is with too many rows."""
    notes = [replace(note, detail=speakable(note.detail)[:TEXT_LIMIT]) for note in table.notes]
    problem = table.problem
    if problem is not None:
        problem = replace(problem, detail=speakable(problem.detail)[:TEXT_LIMIT])
    rows = table.rows
    if rows is not None:
        cut: set[str] = set()
        odd: set[str] = set()
        if len(rows) > ROW_LIMIT:
            notes.append(Problem("error", "too_many_rows", str(len(rows))))
        types = {f.name: TYPES.get(f.metadata["kind"], str) for row in rows[:1] for f in fields(row)}
        rows = tuple(_row_within_limits(row, types, cut, odd) for row in rows[:ROW_LIMIT])
        notes += [Problem("error", "value_too_large", "", name) for name in sorted(cut)]
        notes += [Problem("error", "not_understood", "", name) for name in sorted(odd)]
    return Table(rows, problem, tuple(notes))


def _row_within_limits(row: Any, types: dict[str, type[Any]], cut: set[str], odd: set[str]) -> Any:
    changed: dict[str, Any] = {}
    for name, value in vars(row).items():
        if value is not None and type(value) is not types[name]:
            changed[name] = None
            odd.add(name)
        elif isinstance(value, str):
            said = value if value.isascii() and "\0" not in value else speakable(value)
            if len(said) > TEXT_LIMIT:
                changed[name] = None
                cut.add(name)
            elif said != value:
                changed[name] = said
        elif isinstance(value, int) and abs(value) >= INTEGER_LIMIT:
            changed[name] = None
            cut.add(name)
    return replace(row, **changed) if changed else row
