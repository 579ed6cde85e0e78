"""Which machine this is: what is read on each system, and when it is another one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from muster_agent.machine import Denied, Machine, Uname
from muster_agent.recording import RecordedMachine, of_files
from muster_agent.recording.file import from_json
from muster_agent.sending import fingerprint
from muster_agent.sending.fingerprint import differing, read, remember
from muster_agent.sending.home import Home

RECORDINGS = Path(__file__).parents[1] / "collect" / "system_info"
UNAME = Uname("Linux", "pc", "6.1", "x86_64")
MACHINE_ID, OTHER_ID = b"0123456789abcdef0123456789abcdef\n", b"f" * 31 + b"0\n"
UUID, OTHER_UUID = b"4c4c4544-0042-3510-8052-b4c04f443332\n", b"11112222-0042-3510-8052-b4c04f443332\n"
SERIAL, OTHER_SERIAL = b"B5RD432\n", b"C6SE543\n"


def linux(machine_id: Any = MACHINE_ID, uuid: Any = UUID, serial: Any = SERIAL) -> Machine:
    """A Linux PC that says so; None: it has no such file."""
    files = {
        "/etc/machine-id": machine_id,
        "/sys/class/dmi/id/product_uuid": uuid,
        "/sys/class/dmi/id/product_serial": serial,
        "/proc/cpuinfo": b"processor\t: 0\nmodel name\t: x\n",
        "/proc/meminfo": b"MemTotal:       1000 kB\n",
    }
    there = {path: data for path, data in files.items() if isinstance(data, bytes)}
    recording = of_files(UNAME, there, 0)
    for path, data in files.items():
        if isinstance(data, Exception):
            recording.files[path] = data
    return RecordedMachine(recording, whole=True)


def test_a_pc_says_three_things_and_none_of_them_is_kept_as_it_is() -> None:
    found = read(linux())
    assert sorted(found) == ["machine", "serial", "uuid"]
    assert all(len(value) == 64 for value in found.values())
    assert len(set(found.values())) == 3


def test_what_is_a_placeholder_or_may_not_be_read_is_not_known() -> None:
    assert sorted(read(linux(uuid=b"03000200-0400-0500-0006-000700080009", serial=b"Default string"))) == ["machine"]
    denied = linux(uuid=Denied("uuid"), serial=Denied("serial"))
    assert sorted(read(denied)) == ["machine"]
    for damaged in (b"uninitialized\n", b"", b"\xff" * 40, b"x" * 5000, Denied("/etc/machine-id"), None):
        assert sorted(read(linux(machine_id=damaged))) == ["serial", "uuid"], damaged
    assert read(linux(machine_id=None, uuid=None, serial=None)) == {}


def test_capitals_and_blanks_make_no_other_machine() -> None:
    assert read(linux(uuid=UUID.upper(), serial=b" b5rd432 ")) == read(linux())


@pytest.mark.parametrize(("name", "known"), [("windows-desktop-by-hand", 2), ("darwin-14-by-hand", 2)])
def test_the_other_systems_say_what_they_have(name: str, known: int) -> None:
    recording = from_json((RECORDINGS / name / "recording.json").read_text("utf-8"))
    assert len(read(RecordedMachine(recording, whole=True))) == known
    if recording.platform == "windows":
        guid = {"MachineGuid": "2D9C0B1A-1111-4222-8333-444455556666"}
        more = dataclasses.replace(recording, values={**recording.values, fingerprint.MACHINE_GUID: guid})
        assert sorted(read(RecordedMachine(more, whole=True))) == ["machine", "serial", "uuid"]


THEN = {"machine": "1" * 64, "uuid": "2" * 64, "serial": "3" * 64}


@pytest.mark.parametrize(
    ("known", "changed", "another"),
    [
        ("machine uuid serial", "", False),
        ("machine uuid serial", "machine", False),  # the id was renewed
        ("machine uuid serial", "uuid", False),  # a repair
        ("machine uuid serial", "serial", False),
        ("machine uuid serial", "uuid serial", True),  # the disk in another machine
        ("machine uuid serial", "machine uuid", True),
        ("machine uuid serial", "machine uuid serial", True),  # a prepared image
        ("machine uuid", "uuid", False),
        ("machine uuid", "machine uuid", True),
        ("uuid serial", "uuid serial", True),  # macOS
        ("uuid serial", "serial", False),
        ("machine", "machine", True),  # nothing speaks for the same machine
        ("machine", "", False),
        ("uuid", "uuid", True),
        ("", "", False),  # nothing can be compared
    ],
)
def test_when_it_is_another_machine(known: str, changed: str, another: bool) -> None:
    now = {name: THEN[name] for name in known.split()}
    now.update(dict.fromkeys(changed.split(), "9" * 64))
    for then, seen in ((THEN, now), ({name: THEN[name] for name in known.split()}, {**THEN, **now})):
        assert bool(differing(then, seen)) is another
        assert set(differing(then, seen)) <= set(changed.split())


def test_a_repair_is_remembered_and_the_next_one_is_one_again(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "home"))
    remember(home, read(linux()))
    for machine in (linux(uuid=OTHER_UUID), linux(uuid=OTHER_UUID, serial=OTHER_SERIAL)):
        now = read(machine)
        assert differing(fingerprint.load(home), now) == []
        remember(home, now)
    assert differing(fingerprint.load(home), read(linux())) == ["uuid", "serial"]


def test_what_is_not_known_now_stays_as_it_was(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "home"))
    remember(home, read(linux()))
    remember(home, read(linux(uuid=Denied("x"), serial=None)))
    assert fingerprint.load(home) == read(linux())
    assert (home.path / fingerprint.FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"machine": 5}', '{"other": "x"}', '{"machine": "x"}', "[" * 100_000]
)
def test_a_damaged_file_is_none_and_is_written_anew(tmp_path: Path, content: str) -> None:
    home = Home(str(tmp_path / "home"))
    (home.path / fingerprint.FILE).write_text(content)
    assert fingerprint.load(home) == {}
    remember(home, read(linux()))
    assert json.loads((home.path / fingerprint.FILE).read_text()) == read(linux())


def test_a_former_identity_takes_its_fingerprint_and_its_next_key_along(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "home"))
    for name in (fingerprint.FILE, "key.next.pem", "rotation.json", "key.pem"):
        (home.path / name).write_text("x")
    former = home.put_aside()
    assert former is not None
    assert sorted(path.name for path in former.iterdir() if path.is_file()) == [
        "fingerprint.json",
        "key.next.pem",
        "key.pem",
        "rotation.json",
    ]
