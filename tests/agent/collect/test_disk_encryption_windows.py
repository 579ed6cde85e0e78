"""BitLocker's numbers, for administrators and for everybody, and what none of them proves."""

from __future__ import annotations

from typing import Any

import pytest

from muster_agent.collect.disk_encryption import windows
from muster_agent.facts import DiskEncryption, Table
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import RecordedMachine, Recording


def collect(powershell: Any, drives: Any = ("C:",), system: Any = "C:", filters: Any = ()) -> Table:
    """The table of a PC."""
    drives = list(drives) if isinstance(drives, tuple) else drives
    apis: dict[tuple[str, ...], Any] = {("FixedDrives",): drives, ("SystemDrive",): system, ("PowerShell",): powershell}
    values: dict[str, Any] = {key: {"UpperFilters": filters} for key in windows.FILTERS}
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, apis=apis, values=values)
    return windows.collect(RecordedMachine(recording, whole=True))


def only(table: Table) -> DiskEncryption:
    """The one row."""
    [row] = table.rows or ()
    assert isinstance(row, DiskEncryption)
    return row


def volume(protection: Any, conversion: Any, drive: str = "C:") -> dict[str, Any]:
    """What an administrator is told of one volume."""
    return {"bitlocker": [{"drive": drive, "protection_status": protection, "conversion_status": conversion}]}


@pytest.mark.parametrize(
    ("protection", "conversion", "status", "encrypted"),
    [
        (1, 1, "encrypted", True),
        (1, None, "encrypted", True),
        (0, 1, "suspended", False),
        (0, 2, "encrypting", False),
        (0, 3, "decrypting", False),
        (0, 4, "encrypting", False),
        (0, 5, "decrypting", False),
        (0, 0, "not encrypted", False),
    ],
)
def test_what_an_administrator_is_told(protection: Any, conversion: Any, status: str, encrypted: bool) -> None:
    table = collect(volume(protection, conversion))
    row = only(table)
    assert (row.encryption_status, row.encrypted) == (status, encrypted)
    assert row.type == (None if status == "not encrypted" else "BitLocker")
    assert table.notes == ()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (volume(2, None), "volume_locked"),
        (volume(2, 1), "volume_locked"),
        (volume(1, 0), "not_understood"),
        (volume(0, None), "not_understood"),
        (volume(None, 1), "not_understood"),
        (volume(0, 9), "not_understood"),
        (volume(True, True), "not_understood"),
        (volume(1, 1, "D:"), "bitlocker_not_told"),
        ({"bitlocker": {"error": "denied"}, "bitlocker_shell": {}}, "bitlocker_not_told"),
        ({"bitlocker": {"error": "denied"}, "bitlocker_shell": {"error": "denied"}}, "bitlocker_not_told"),
        ({"bitlocker": None, "bitlocker_shell": None}, "bitlocker_not_told"),
        ({}, "bitlocker_not_told"),
        (["?"], "not_understood"),
    ],
)
def test_what_cannot_be_told_is_undefined_and_said(said: Any, code: str) -> None:
    table = collect(said)
    row = only(table)
    assert (row.encryption_status, row.encrypted, row.type) == ("undefined", None, None)
    assert [(note.code, note.column) for note in table.notes] == [(code, "encrypted")]


@pytest.mark.parametrize(
    ("value", "status", "encrypted"),
    [(1, "encrypted", True), (2, "not encrypted", False), (3, "encrypting", False), (4, "decrypting", False)]
    + [(number, "undefined", None) for number in (0, 5, 6, 7, 8, 99, -1)],
)
def test_what_everybody_is_told(value: int, status: str, encrypted: bool | None) -> None:
    """Of 5 the sources differ, and 7 and 8 rest on one: an unproved number is not encrypted, and not unencrypted."""
    table = collect({"bitlocker": {"error": "denied"}, "bitlocker_shell": {"c:": value}})
    assert (only(table).encryption_status, only(table).encrypted) == (status, encrypted)
    assert bool(table.notes) is (encrypted is None)


def test_the_administrators_word_stands_before_everybodys() -> None:
    assert only(collect({**volume(0, 1), "bitlocker_shell": {"C:": 1}})).encryption_status == "suspended"


def test_without_powershell_every_volume_is_undefined_and_the_reason_stands_once() -> None:
    table = collect(CannotRead("no_powershell", "2.0", "unsupported"), ("C:", "D:"))
    assert [(row.name, row.mount, row.system, row.encrypted) for row in table.rows or ()] == [
        ("C:", "C:\\", True, None),
        ("D:", "D:\\", False, None),
    ]
    assert [(note.code, note.status) for note in table.notes] == [("no_powershell", "unsupported")]


@pytest.mark.parametrize("name", ["veracrypt", "VeraCrypt", "dcrypt", "PGPwded"])
def test_where_another_maker_may_have_encrypted_it_bitlockers_no_is_not_taken(name: str) -> None:
    table = collect(volume(0, 0), filters=("volsnap", name))
    assert (only(table).encrypted, only(table).encryption_status) == (None, "undefined")
    assert [note.code for note in table.notes] == ["other_encryption"]
    assert only(collect(volume(1, 1), filters=(name,))).encrypted is True


def test_an_unknown_system_drive_is_said() -> None:
    table = collect(volume(1, 1), system=CannotRead("api_failed", "GetSystemWindowsDirectory: error 1"))
    assert only(table).system is None
    assert [(note.code, note.column) for note in table.notes] == [("api_failed", "system")]


@pytest.mark.parametrize("drives", [(), None, [1], "C:"])
def test_a_pc_without_drives_is_not_understood(drives: Any) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        collect(volume(1, 1), drives)
