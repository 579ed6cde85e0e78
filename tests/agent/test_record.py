"""muster-agent record: what it writes replays, names nobody, and is never written over anything."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from muster_agent.cli import main
from muster_agent.commands import record
from muster_agent.facts import TABLES
from muster_agent.machine import Uname
from muster_agent.recording import RecordedMachine, Recording, SimulatedMachine
from muster_agent.recording.file import from_json
from muster_agent.recording.redaction import PATTERNS

FILES = {
    "/etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    "/etc/apt/sources.list": b"deb http://lisi:s3cret@mirror.cn/debian bookworm main\n",
    "/var/lib/dpkg/status": b"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.20\n",
    "/var/lib/apt/lists/mirror.cn_debian_dists_bookworm_main_binary-amd64_Packages": b"Package: dpkg\nVersion: 1.21\n",
    "/proc/cpuinfo": b"processor\t: 0\n",
    "/proc/meminfo": b"MemTotal: 8 kB\n",
    "/proc/stat": b"btime 1763942431\n",
    "/proc/version": b"Linux version 6.1\n",
    "/proc/sys/kernel/random/boot_id": b"4c4c4544-0035-4210-8056-b8c04f4d5a32\n",
    "/sys/class/dmi/id/product_serial": b"PF2X7Q9L\n",
}


@pytest.fixture(autouse=True)
def pc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command looks at a PC made of files."""
    machine = SimulatedMachine(Uname("Linux", "zhangsan-pc", "6.1.0-37-amd64", "x86_64"), FILES)
    monkeypatch.setattr(record, "LocalMachine", lambda: machine)


def test_what_is_written_replays_to_what_is_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "en", "record", str(tmp_path / "new")]) == 0
    recording = from_json((tmp_path / "new/recording.json").read_text("utf-8"))
    expected = json.loads((tmp_path / "new/expected.json").read_text("utf-8"))
    assert list(expected) == list(TABLES)
    machine = RecordedMachine(recording)
    assert record.described(record.tables_of(machine, list(TABLES))) == expected
    assert not machine.unasked()
    assert not machine.missing
    assert [row["available"] for row in expected["updates"]["rows"]] == ["1.21"]
    assert expected["system_info"]["rows"][0]["hostname"] == "host-1"
    said = capsys.readouterr().out
    assert f"Recorded {len(recording.questions())} answers in {tmp_path}/new (" in said
    size = sum(path.stat().st_size for path in (tmp_path / "new").iterdir())
    assert f"({(size + 999) // 1000} kB)" in said
    assert "Replaced by placeholders: host name ×1, logins in addresses ×1, serial number ×1, UUIDs ×1" in said
    assert f"Look through {tmp_path}/new/recording.json before you give it away." in said


def test_nothing_written_names_the_pc_or_its_user(tmp_path: Path) -> None:
    main(["record", str(tmp_path)])
    text = "".join(path.read_text("utf-8") for path in tmp_path.iterdir()).lower()
    for secret in ("zhangsan", "lisi", "s3cret", "pf2x7q9l", "4c4c4544"):
        assert secret not in text


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    main(["record", str(tmp_path / "new")])
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o600}


def test_one_table_asks_only_what_that_table_needs(tmp_path: Path) -> None:
    assert main(["record", "--table", "boot", str(tmp_path)]) == 0
    recording = from_json((tmp_path / "recording.json").read_text("utf-8"))
    assert set(recording.files) == {"/proc/stat", "/proc/sys/kernel/random/boot_id"}
    assert list(json.loads((tmp_path / "expected.json").read_text("utf-8"))) == ["boot"]


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recording.json").write_text("mine")
    assert main(["--lang", "zh", "record", str(tmp_path)]) == 5
    assert "不是空文件夹" in capsys.readouterr().err
    assert (tmp_path / "recording.json").read_text() == "mine"


@pytest.mark.parametrize("where", ["/proc/muster", "/dev/null", "/dev/null/x"])
def test_a_folder_that_cannot_be_written_is_refused(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "en", "record", where]) == 5
    assert f"cannot write to {where}" in capsys.readouterr().err


def test_a_link_put_in_the_way_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody else's folder under /tmp: a link appears after it was found empty."""
    (tmp_path / "target").write_text("precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    collect = record.tables_of

    def interfere(*arguments: object) -> object:
        if not os.path.lexists(folder / "recording.json"):
            (folder / "recording.json").symlink_to(tmp_path / "target")
        return collect(*arguments)

    monkeypatch.setattr(record, "tables_of", interfere)
    assert main(["record", str(folder)]) == 5
    assert (tmp_path / "target").read_text() == "precious"
    assert capsys.readouterr().err


def test_wrong_usage_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["record"], ["record", "a", "b"], ["record", "--table", "x", "a"]):
        with pytest.raises(SystemExit) as raised:
            main(words)
        assert raised.value.code == 2
    assert capsys.readouterr().err


def test_a_reduction_that_goes_wrong_costs_size_and_not_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a rule leave out what a table rests on, the whole answer is recorded."""

    def too_much(recording: Recording) -> Recording:
        return replace(recording, files={**recording.files, "/var/lib/dpkg/status": b""})

    monkeypatch.setattr(record, "reduced", too_much)
    assert main(["record", str(tmp_path)]) == 0
    recording = from_json((tmp_path / "recording.json").read_text("utf-8"))
    assert recording.files["/var/lib/dpkg/status"] == FILES["/var/lib/dpkg/status"]


def test_a_redaction_that_changes_a_table_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PATTERNS, "login", (re.compile("(?P<it>btime)"), lambda number: "x"))
    assert main(["--lang", "en", "record", str(tmp_path)]) == 3
    assert "does not replay to the same tables: boot" in capsys.readouterr().err
