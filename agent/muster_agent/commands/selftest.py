"""``muster-agent selftest``: what this PC lets the agent see, table by table, and what would help where it does not."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from dataclasses import fields

from muster_agent import __version__
from muster_agent.collect import collect_table, not_here
from muster_agent.commands.check import exit_code
from muster_agent.commands.failure import Failure
from muster_agent.commands.replay import machine as machine_of
from muster_agent.facts import TABLES, Problem, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.screen import GAP, merged, terminal_width
from muster_agent.sending.home import Home, Unusable
from muster_agent.sending.places import default_home
from muster_agent.text import cells, inert, padded, wrapped
from muster_agent.words import Words


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """The options of this command."""
    parser.add_argument("--from", dest="folder", metavar="DIR", help=words("check.option.from"))


def missing_columns(table: Table) -> set[str]:
    """The columns that are null in some row because they could not be read: a note names each."""
    return {note.column for note in table.notes if note.column}


class Selftest:
    """Asks for every table and says what came of it."""

    def __init__(self, machine: Machine, words: Words, width: int) -> None:
        self.machine = machine
        self.words = words
        self.width = width
        self.tables: dict[str, Table] = {}
        self.advice: dict[str, list[str]] = {}  # what would help: the tables and columns it would bring

    def lines(self) -> list[str]:
        """All that is printed."""
        host = inert(self.machine.uname().node)
        started = time.perf_counter()
        for name in TABLES:
            self.tables[name] = collect_table(self.machine, name)
        seconds = time.perf_counter() - started
        lines = [self.words("selftest.title", version=__version__, host=host, rights=self.rights()), ""]
        for name, table in self.tables.items():
            lines += self.table(name, table)
        lines += ["", *self.summary(seconds)]
        if self.advice:
            lines += ["", self.words("selftest.would_help")]
            for advice, brings in self.advice.items():
                said = self.words("selftest.brings", advice=advice, list=self.words("selftest.and").join(brings))
                lines += wrapped(f"{GAP}- {said}", self.width, GAP * 2)
        return lines

    def rights(self) -> str:
        """Whether this user is an administrator, in words."""
        try:
            return self.words("selftest.administrator" if self.machine.privileged() else "selftest.user")
        except CannotRead as error:
            return self.words.reason(error.code, error.detail)

    def table(self, name: str, table: Table) -> list[str]:
        """One line what was seen, and one for each thing that was not, with the reason."""
        label = max(cells(self.words("table." + table)) for table in TABLES) + 1
        columns = len(fields(TABLES[name]))
        if table.problem is not None:
            said = self.words("selftest.none" if not not_here(table) else "selftest.not_here")
        else:
            unread = len(missing_columns(table))
            key = "selftest.part" if unread else "selftest.full"
            count = len(table.rows or ())
            rows = self.words("check.row") if count == 1 else self.words("check.rows", count=count)
            said = self.words(key, seen=columns - unread, columns=columns, rows=rows)
        start = GAP + padded(self.words("table." + name), label)
        lines = wrapped(start + said, self.width, " " * cells(start))
        notes = ((table.problem,) if table.problem is not None and not not_here(table) else ()) + table.notes
        for named, note in merged(notes):
            self.helped(name, named, note)
            what = self.words("selftest.and").join(self.words("column." + column) for column in named)
            reason = inert(self.words.reason(note.code, note.detail))
            said = self.words("selftest.column", columns=what, reason=reason) if named else reason
            lines += wrapped(f"{GAP * 2}! {said}", self.width, GAP * 3)
        return lines

    def helped(self, table: str, columns: list[str], note: Problem) -> None:
        """Remember what would help, and what that would bring."""
        key = "advice." + note.code
        if not self.words.has(key):
            return
        brings = self.advice.setdefault(self.words(key), [])
        names = [f"{table}.{column}" for column in columns] or [table]
        brings += [name for name in names if name not in brings]

    def summary(self, seconds: float) -> list[str]:
        """How many tables were seen in full, in part, not at all."""
        here = [table for table in self.tables.values() if not not_here(table)]
        none = sum(table.problem is not None for table in here)
        part = sum(table.problem is None and bool(table.notes) for table in here)
        counts = {"full": len(here) - part - none, "part": part, "none": none, "absent": len(self.tables) - len(here)}
        return wrapped(self.words("selftest.summary", seconds=f"{seconds:.2f}", **counts), self.width, "")

    def agent(self) -> list[str]:
        """What the agent itself needs: a Python, two libraries and the folder of its identity."""
        lines = ["", self.words("selftest.python", version=sys.version.split()[0])]
        for library in ("cryptography", "psutil"):
            present = importlib.util.find_spec(library) is not None
            key = f"selftest.{library}" if present else f"selftest.{library}.missing"
            lines += wrapped(self.words(key), self.width, GAP)
        folder = default_home()
        try:
            enrolled = os.path.isdir(folder) and Home(folder).enrolment() is not None
        except Unusable as error:
            return [*lines, *wrapped(self.words("failure." + error.code) + f" ({error.detail})", self.width, GAP)]
        key = "selftest.enrolled" if enrolled else "selftest.not_enrolled"
        return lines + wrapped(self.words(key, folder=folder), self.width, GAP)


def main(arguments: argparse.Namespace, words: Words) -> int:
    """Try every table, say what was seen, and by the exit code whether everything was."""
    try:
        machine = machine_of(arguments.folder)
    except Failure as failure:
        return failure.show(words)
    selftest = Selftest(machine, words, terminal_width())
    print("\n".join(selftest.lines()))
    if arguments.folder is None:
        print("\n".join(selftest.agent()))
    return exit_code(selftest.tables)
