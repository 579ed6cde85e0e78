"""A setting in the registry: how a number may be written, whose comes first, and that an absent one is no default."""

from __future__ import annotations

import pytest

from muster_agent.machine import CannotRead, Denied, NotFound, RegistryValue, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.system import registry_setting as setting

KEY = r"HKLM\SOFTWARE\X"


def machine(**values: RegistryValue) -> RecordedMachine:
    """A PC with these values in KEY."""
    return RecordedMachine(
        Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, values={KEY: values}), True
    )


@pytest.mark.parametrize(
    ("value", "number"),
    [(0, 0), (4294967295, 4294967295), ("600", 600), (" 1 ", 1), (b"\x91\0\0\0", 0x91), (b"\xff", 255)],
)
def test_a_number_is_read_however_it_was_written(value: RegistryValue, number: int) -> None:
    assert setting.number(machine(Name=value), KEY, "NAME") == number


@pytest.mark.parametrize("value", ["", "-1", "0x10", "yes", "１", "9" * 11, ("1",), b"", b"\0" * 8])
def test_what_is_no_number_is_not_taken_for_one(value: RegistryValue) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        setting.number(machine(Name=value), KEY, "Name")


def test_an_absent_value_is_none_and_a_required_one_is_said_to_be_absent() -> None:
    assert setting.number(machine(), KEY, "Name") is None
    assert setting.number(machine(), KEY + "2", "Name") is None
    with pytest.raises(CannotRead, match=r"setting_absent: HKLM\\SOFTWARE\\X\\Name"):
        setting.required(machine(), KEY, "Name")


def test_a_key_that_may_not_be_read_is_not_an_absent_one() -> None:
    said = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), False, values={KEY: Denied(KEY)})
    with pytest.raises(Denied):
        setting.first(RecordedMachine(said), ((KEY, "Name"),))


def test_the_first_place_that_holds_a_value_decides() -> None:
    places = ((KEY + "2", "A"), (KEY, "A"), (KEY, "B"))
    assert setting.first(machine(A=0, B=1), places) == 0
    assert setting.first(machine(B=1), places) == 1
    assert setting.first(machine(), places) is None


def test_a_number_that_is_neither_yes_nor_no_is_not_understood() -> None:
    assert (setting.switch(1, "X"), setting.switch(0, "X")) == (True, False)
    with pytest.raises(CannotRead, match="X=2"):
        setting.switch(2, "X")


def test_a_key_that_a_policy_left_behind_is_no_driver() -> None:
    key = setting.SERVICES + "\\mrxsmb10"
    uname = Uname("Windows", "pc", "10", "AMD64")
    left: dict[str, dict[str, RegistryValue] | CannotRead] = {key: {"Start": 2}}
    assert setting.start(RecordedMachine(Recording("windows", uname, True, values=left), True), "mrxsmb10") is None
    there: dict[str, dict[str, RegistryValue] | CannotRead] = {key: {"Start": 2, "Type": 2}}
    assert setting.start(RecordedMachine(Recording("windows", uname, True, values=there), True), "mrxsmb10") == 2
    gone: dict[str, dict[str, RegistryValue] | CannotRead] = {key: NotFound(key)}
    assert setting.start(RecordedMachine(Recording("windows", uname, True, values=gone), True), "mrxsmb10") is None
