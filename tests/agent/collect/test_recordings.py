"""Recorded machines: each folder <table>/<platform>-<what>/ holds what a PC answered and the table that comes of it.

Most were recorded as ``muster-agent record`` does, on a real Debian brought into the state the name tells, and pared to
a dozen packages; those of systems we do not own are written by hand, and their names end so. A question that was not
recorded fails, and so does an answer that nobody asked for.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from muster_agent.collect import collect_table
from muster_agent.commands.check import described
from muster_agent.facts import TABLES
from muster_agent.recording import RecordedMachine
from muster_agent.recording.file import from_json, to_json

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/*/recording.json"))
LARGEST = 32_000  # bytes of a recording: one that nobody can read through proves little


def name(folder: Path) -> str:
    """updates/linux-held."""
    return folder.relative_to(HERE).as_posix()


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_recorded_machine_gives_its_table(folder: Path) -> None:
    table = folder.parent.name
    machine = RecordedMachine(from_json((folder / "recording.json").read_text("utf-8")))
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    assert list(expected) == [table]
    assert described({table: collect_table(machine, table)}) == expected
    assert not machine.missing, "questions that were not recorded"
    assert not machine.unasked(), "answers that nobody asked for"


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_recording_is_in_its_one_form_small_and_names_nobody(folder: Path) -> None:
    text = (folder / "recording.json").read_text("utf-8")
    assert to_json(from_json(text)) == text
    assert len(text.encode("utf-8")) <= LARGEST
    assert not re.search(r"/home/(?!user-\d)|s3cret|://(?!login-)[^/\s\"]*@", text)
    assert folder.name.startswith(("linux-", "windows-", "darwin-"))


def test_no_folder_is_left_out() -> None:
    folders = {path for path in HERE.glob("*/*") if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(FOLDERS)
    assert {folder.parent.name for folder in FOLDERS} <= set(TABLES)
