"""The tables as a person reads them in a terminal: short, aligned, and inert."""

from __future__ import annotations

from dataclasses import fields
from typing import AbstractSet, Any

from muster_agent import __version__
from muster_agent.collect import not_here
from muster_agent.columns import MOMENT, column_docs
from muster_agent.facts import TABLES, Problem, Table, Tables
from muster_agent.text import cells, inert, padded, terminal_cells, wrapped
from muster_agent.words import Words

# The columns a table of many rows is worth on a narrow screen; --json has all. The other tables are shown row by row.
GRIDS = {
    "updates": ("name", "installed", "available", "security"),
    "packages": ("name", "version", "arch"),
    "listening_ports": ("protocol", "address", "port", "scope", "process", "path"),
    "patches": ("hotfix_id", "description", "version", "installed_on"),
    "firewall": ("name", "profile", "enabled", "inbound"),
    "disk_encryption": ("name", "mount", "system", "encryption_status", "type"),
    "users": ("username", "type", "enabled", "administrator", "password_status"),
    "services": ("name", "start_type", "status", "path"),
    "interface_addresses": ("interface", "type", "address", "mask", "mac"),
    "routes": ("destination", "netmask", "gateway", "interface"),
    "shared_resources": ("name", "protocol", "type_name", "path", "guest"),
}
# Tables of one row: a heading without a count.
SINGLE = ("os_version", "system_info", "boot", "update_status", "settings")
# Rows shown of a long table in the summary.
PREVIEW = {"updates": 8, "packages": 4, "listening_ports": 20, "patches": 4, "users": 20, "services": 4}
PREVIEW_OF_OTHERS = 20
NARROWEST = 8
MOMENTS = {name for row_type in TABLES.values() for name, kind, _, _ in column_docs(row_type) if kind == MOMENT}
GAP = "  "


def terminal_width() -> int:
    """Cells of a line; the last one stays free, because some terminals break the line there."""
    return max(40, terminal_cells() - 1)


def merged(notes: tuple[Problem, ...]) -> list[tuple[list[str], Problem]]:
    """The notes in their order, those with the same reason as one: (the columns, a note). No columns: whole rows may
    be missing, which says more than any column that is."""
    found: dict[tuple[str, str], list[Problem]] = {}
    for note in notes:
        found.setdefault((note.code, note.detail), []).append(note)
    whole = {key for key, same in found.items() if any(note.column is None for note in same)}
    return [
        ([] if key in whole else list(dict.fromkeys(note.column for note in same if note.column)), same[0])
        for key, same in found.items()
    ]


class Screen:
    """Prints tables in one language and one width."""

    def __init__(self, words: Words, full: bool, width: int | None = None) -> None:
        self.words = words
        self.full = full
        self.width = width or terminal_width()

    def check(self, tables: Tables, host: str, moment: str) -> list[str]:
        """All of ``muster-agent check``."""
        lines = [self.words("check.title", version=__version__, host=inert(host), moment=moment)]
        for name, table in tables.items():
            if not not_here(table):
                lines += ["", *self.table(name, table)]
        here = [table for table in tables.values() if not not_here(table)]
        read = sum(table.problem is None for table in here)
        ending = "check.summary.ok" if read == len(here) else "check.summary.partly"
        lines += ["", self.words(ending, read=read, count=len(here))]
        notes = sum(len(merged(table.notes)) for table in tables.values())
        if notes:
            lines.append(self.words("check.summary.notes", count=notes))
        return lines

    def table(self, name: str, table: Table) -> list[str]:
        """One table: its heading, its rows, and what is missing."""
        title = self.words("table." + name)
        if name in SINGLE and table.rows is not None:
            heading = self.words("check.heading.single", title=title, table=name)
        else:
            heading = self.words("check.heading", title=title, table=name, count=self._count(name, table))
        lines = wrapped(heading, self.width, GAP)
        unknown = {note.column for note in table.notes}
        if table.rows is not None:
            lines += self._grid(name, table.rows, unknown) if name in GRIDS else self._records(table.rows, unknown)
        if table.problem is not None:
            said = inert(self.words.reason(table.problem.code, table.problem.detail))
            lines += self._remark(self.words("check.problem", reason=said), table.problem.code)
        for columns, note in merged(table.notes):
            lines += self._remark(self._note(columns, note, name not in GRIDS), note.code)
        return lines

    def _count(self, name: str, table: Table) -> str:
        if table.rows is None:
            return self.words("check.not_read")
        count = len(table.rows)
        if not count:
            # Nothing is said without reserve only where nothing is missing.
            doubtful = any(note.column is None for note in table.notes)
            return self.words("check.none_known" if doubtful else "check.none")
        said = self.words("check.row") if count == 1 else self.words("check.rows", count=count)
        if name != "updates":
            return said
        # A PC without its security list has not "0 security updates".
        if any(row.security is None for row in table.rows) or any(
            note.column in (None, "security") for note in table.notes
        ):
            return said + self.words("check.and") + self.words("check.security_unknown")
        security = sum(bool(row.security) for row in table.rows)
        return said + self.words("check.and") + self.words("check.security", count=security)

    def _note(self, columns: list[str], note: Problem, shown_row_by_row: bool) -> str:
        said = inert(self.words.reason(note.code, note.detail))
        if not columns:
            return self.words("check.note.table", reason=said)
        names = self.words("check.list").join(self.words("column." + column) for column in columns)
        return self.words("check.note.unknown" if shown_row_by_row else "check.note.column", column=names, reason=said)

    def _remark(self, text: str, code: str) -> list[str]:
        lines = wrapped(f"{GAP}! {text}", self.width, GAP * 2)
        if self.words.has("advice." + code):
            lines += wrapped(f"{GAP * 2}{self.words('advice.' + code)}", self.width, GAP * 2)
        return lines

    def _value(self, column: str, value: Any, unknown: bool = False) -> str:
        if value is None and unknown:
            return self.words("value.unknown")
        if value is None or isinstance(value, bool):
            return self.words("value." + {None: "null", True: "true", False: "false"}[value])
        if self.words.has(f"value.{column}.{value}"):
            return self.words(f"value.{column}.{value}")
        if column == "physical_memory":
            return f"{value / 2**30:.1f} GiB"
        if column in MOMENTS and value.endswith("Z"):
            return inert(value[:16].replace("T", " ") + " UTC")
        return inert(str(value))

    def _records(self, rows: tuple[Any, ...], unknown: AbstractSet[str | None]) -> list[str]:
        lines: list[str] = []
        for row in rows:
            names = [field.name for field in fields(row)]
            label = max(cells(self.words("column." + name)) for name in names)
            if lines:
                lines.append("")
            for name in names:
                start = GAP + padded(self.words("column." + name), label) + GAP
                said = self._value(name, getattr(row, name), name in unknown)
                lines += wrapped(start + said, self.width, " " * cells(start))
        return lines

    def _grid(self, name: str, rows: tuple[Any, ...], unknown: AbstractSet[str | None]) -> list[str]:
        if not rows:
            return []
        shown = rows if self.full else rows[: PREVIEW.get(name, PREVIEW_OF_OTHERS)]
        if name == "updates" and not self.full:  # the ones that matter first
            shown = tuple(sorted(rows, key=lambda row: not row.security))[: PREVIEW.get(name, PREVIEW_OF_OTHERS)]
        columns = GRIDS[name]
        grid = [[self.words("column." + column) for column in columns]]
        grid += [[self._value(column, getattr(row, column), column in unknown) for column in columns] for row in shown]
        widths = [max(cells(line[index]) for line in grid) for index in range(len(columns))]
        while sum(widths) + len(GAP) * len(widths) > self.width and max(widths) > NARROWEST:
            widths[widths.index(max(widths))] -= 1
        lines = [(GAP + GAP.join(padded(cell, width) for cell, width in zip(line, widths))).rstrip() for line in grid]
        if len(shown) < len(rows):
            lines.append(GAP + self.words("check.more", count=len(rows) - len(shown), table=name))
        return lines
