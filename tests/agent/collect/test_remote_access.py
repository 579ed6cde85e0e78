"""Remote-control programs: what counts as one, and when the table says that it may not be whole.

Whole PCs are in remote_access/*.
"""

from __future__ import annotations

import pytest

from muster_agent.collect.remote_access import linux
from muster_agent.facts import Problem, Table
from muster_agent.machine import Listing, Process, Uname
from muster_agent.recording import RecordedMachine, of_files


def package(name: str) -> str:
    """A paragraph of dpkg's database."""
    return f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n"


def collect(packages: list[str], *processes: tuple[str, str | None], hidden: Problem | None = None) -> Table:
    """The table of a PC with these packages and processes."""
    status = "\n".join(package(name) for name in ["dpkg", *packages]).encode()
    listing = Listing(tuple(Process(n, *each) for n, each in enumerate(processes, 2)), hidden is None, hidden)
    said = of_files(Uname("Linux", "pc", "6.1", "x86_64"), {"/var/lib/dpkg/status": status}, 0, processes=listing)
    return linux.collect(RecordedMachine(said, whole=True))


def rows(table: Table) -> list[tuple[str, bool | None]]:
    """(id, running) of the rows."""
    return [(row.id, row.running) for row in table.rows or ()]


@pytest.mark.parametrize(("name", "known"), [("anydesk", "anydesk"), ("xrdp", "xrdp"), ("x11vnc", "x11vnc")])
def test_an_installed_program_is_a_row_whether_it_runs_or_not(name: str, known: str) -> None:
    assert rows(collect([name])) == [(known, False)]
    assert rows(collect([name], (name, f"/usr/bin/{name}"))) == [(known, True)]


@pytest.mark.parametrize(
    "name", ["remmina", "tigervnc-viewer", "xtightvncviewer", "wemeet", "com.qq.weixin", "openssh-server"]
)
def test_what_steers_others_or_only_talks_is_none(name: str) -> None:
    table = collect([name])
    assert (table.rows, table.notes) == ((), ())


def test_where_processes_are_hidden_it_is_unknown_whether_it_runs() -> None:
    table = collect(["todesk"], hidden=Problem("denied", "processes_hidden", "/proc"))
    assert rows(table) == [("todesk", None)]
    assert [(note.code, note.column) for note in table.notes] == [("processes_hidden", "running")]


def test_a_copy_that_was_never_installed_makes_the_table_incomplete() -> None:
    """Its name alone is no row; but a rule that forbids such programs must not pass."""
    table = collect([], ("anydesk", "/home/someone/anydesk"))
    assert table.rows == ()
    assert [(note.code, note.column) for note in table.notes] == [("name_alone", None)]
