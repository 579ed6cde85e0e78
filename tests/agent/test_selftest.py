"""muster-agent selftest and check --from: what this PC, or a recorded one, lets the agent see."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster_agent.cli import main
from muster_agent.commands.selftest import Selftest
from muster_agent.facts import TABLES
from muster_agent.machine import Denied, Uname
from muster_agent.recording import RecordedMachine, SimulatedMachine, of_files
from muster_agent.recording.file import to_json
from muster_agent.text import cells
from muster_agent.words import LANGUAGES, Words

UNAME = Uname("Linux", "\x1b[2Jpc", "6.1.0-1-amd64", "x86_64")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A folder with the recording of a PC whose release file may not be read."""
    recording = of_files(UNAME, {"/proc/stat": b"btime 1700000000\n"}, 0)
    recording.files["/etc/os-release"] = Denied("/etc/os-release")
    (tmp_path / "recording.json").write_text(to_json(recording), "utf-8")
    return tmp_path


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_table_is_accounted_for(lang: str) -> None:
    selftest = Selftest(SimulatedMachine(UNAME, {}), Words(lang), 79)
    text = "\n".join(selftest.lines())
    for table in TABLES:
        assert Words(lang)("table." + table) in text
    assert set(selftest.tables) == set(TABLES)
    assert "\x1b" not in text
    assert all(cells(line) <= 79 for line in text.splitlines())


def test_what_was_denied_comes_with_the_privilege_that_would_help(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--lang", "en", "selftest", "--from", str(recorded)]) == 3
    said = capsys.readouterr().out
    assert "no permission to read it: /etc/os-release" in said
    assert "- Run the agent as root or administrator. Brings: os_version" in " ".join(said.split())


def test_the_agent_of_this_pc_says_what_it_needs_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "en", "selftest"]) in (0, 3)
    assert "cryptography is there" in capsys.readouterr().out


def test_a_recorded_pc_is_looked_at_as_this_one_is(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "en", "check", "--from", str(recorded), "--table", "boot"]) == 0
    assert "2023-11-14 22:13 UTC" in capsys.readouterr().out


def test_what_the_recording_does_not_hold_is_unknown_and_says_so(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--lang", "en", "check", "--from", str(recorded), "--table", "listening_ports"]) == 5
    assert "the recording does not hold it" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b"\xff\xfe", b'{"format": 99}', b"[" * 100_000])
def test_what_is_no_recording_is_refused_in_one_line(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "recording.json").write_bytes(content)
    assert main(["--lang", "en", "check", "--from", str(tmp_path)]) == 5
    said = capsys.readouterr()
    assert said.out == ""
    assert "recording" in said.err.splitlines()[0]
    assert len(said.err.splitlines()) <= 2


def test_a_collector_that_asks_what_a_test_did_not_record_is_noticed() -> None:
    machine = RecordedMachine(of_files(UNAME, {}, 0))
    with pytest.raises(Exception, match="files: /nowhere"):
        machine.read("/nowhere")
