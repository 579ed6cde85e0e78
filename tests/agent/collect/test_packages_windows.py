"""What an uninstall entry says, and which of them are programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from muster_agent.facts import Package
from muster_agent.machine import CannotRead
from muster_agent.system import uninstall
from muster_agent.system.registry_key import RegistryKey


def package(name: str = "key", **values: Any) -> Package | None:
    """What the entry ``name`` with these values is."""
    return uninstall.package(RegistryKey(uninstall.OWN + "\\" + name, values))


def test_a_program_has_a_name() -> None:
    assert package(DisplayName=" 7-Zip ", DisplayVersion="23.01") == Package("7-Zip", "23.01", "program")
    assert package(DisplayVersion="23.01") is None
    assert package(DisplayName=" ") is None
    assert package(DisplayName="\0hidden") is None
    assert package(DisplayName="a" * 100_000) == Package("a" * 500, None, "program")


def test_what_follows_a_control_character_is_left_out() -> None:
    assert package(DisplayName="A\r\nB", DisplayVersion="1.0\0\x01rest") == Package("A", "1.0", "program")


@pytest.mark.parametrize("kind", ["Hotfix", "Security Update", "Update Rollup", "SERVICE PACK"])
def test_an_update_of_a_program_is_none(kind: str) -> None:
    assert package(DisplayName="x", ReleaseType=kind) is None


def test_what_belongs_to_another_is_left_out_when_it_is_an_update() -> None:
    assert package(DisplayName="Update for Office (KB4484107)", ParentKeyName="Office16.PROPLUS") is None
    assert package("KB2467173", DisplayName="Visual C++ 2010", ParentKeyName="OperatingSystem") is None
    assert package(DisplayName="ToDesk", ParentKeyName="OperatingSystem") is not None
    assert package(DisplayName="Tool for KB4484107") is not None


def test_a_hidden_program_is_one() -> None:
    assert package(DisplayName="ToDesk", SystemComponent=1) is not None


@pytest.mark.parametrize("name", ["DisplayName", "DisplayVersion", "ReleaseType"])
def test_a_value_of_another_type_is_refused(name: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        package(**{"DisplayName": "x", name: b"\0\1"})


def test_only_loaded_hives_of_accounts_are_asked() -> None:
    person = "S-1-5-21-1-2-3-1001"
    asked = uninstall.places([".DEFAULT", "S-1-5-18", person, person + "_Classes"])
    assert asked[0] == uninstall.OWN
    assert [place.split("\\")[1] for place in asked[2:]] == ["S-1-5-18"] * 2 + [person] * 2


def test_no_recording_of_ours_lost_a_program() -> None:
    """Every entry with a name in the recordings by hand is in their tables, but for those the test above leaves out."""
    folder = Path(__file__).parent / "packages" / "windows-11-by-hand"
    recording = json.loads((folder / "recording.json").read_text("utf-8"))
    named = {values["DisplayName"].strip() for values in recording["values"].values() if "DisplayName" in values}
    rows = json.loads((folder / "expected.json").read_text("utf-8"))["packages"]["rows"]
    assert {name for name in named if "KB4484107" not in name and "Hotfix" not in name} == {row["name"] for row in rows}
