"""Symbolic links: asked of a machine, recorded, and replayed; recordings made before they were asked still load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from muster_agent.local import LocalMachine
from muster_agent.machine import CannotRead, NotFound, Uname
from muster_agent.recording import RecordedMachine, Recorder, Recording, SimulatedMachine
from muster_agent.recording.file import from_json, to_json

PC = Uname("Linux", "pc", "6.1.0", "x86_64")


def test_a_link_leads_where_it_is_written_to_lead(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("../nowhere/at all")
    (tmp_path / "file").write_text("x")
    machine = LocalMachine()
    assert machine.readlink(str(tmp_path / "link")) == "../nowhere/at all"
    for name in ("file", ""):
        with pytest.raises(CannotRead, match="not_a_link"):
            machine.readlink(str(tmp_path / name))
    with pytest.raises(NotFound):
        machine.readlink(str(tmp_path / "gone"))


def test_links_and_what_is_none_are_recorded_and_replayed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").write_text("x")
    recorder = Recorder(LocalMachine())
    link, file = str(tmp_path / "link"), str(tmp_path / "file")
    assert recorder.readlink(link) == "file"
    with pytest.raises(CannotRead, match="not_a_link"):
        recorder.readlink(file)
    text = to_json(recorder.recording)
    replay = RecordedMachine(from_json(text))
    assert (replay.readlink(link), to_json(from_json(text))) == ("file", text)
    with pytest.raises(CannotRead, match="not_a_link"):
        replay.readlink(file)
    assert not replay.unasked() and ("links", link) in from_json(text).questions()


def test_a_recording_in_which_no_link_was_asked_has_none_of_them() -> None:
    text = to_json(Recording("linux", PC, True))
    assert "links" not in json.loads(text)
    assert from_json(text).links == {}


def test_what_is_there_on_a_simulated_pc_is_no_link() -> None:
    machine = SimulatedMachine(PC, {"/etc/a": b""})
    with pytest.raises(CannotRead, match="not_a_link"):
        machine.readlink("/etc/a")
    with pytest.raises(NotFound):
        machine.readlink("/etc/b")
