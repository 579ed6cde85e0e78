"""Values of a registry key, by name and type."""

from __future__ import annotations

import pytest

from muster_agent.machine import CannotRead, NotFound, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.system.registry_key import RegistryKey, opened, optional

KEY = RegistryKey(r"HKLM\X", {"Name": "text", "Empty": "", "Number": 0, "Data": b"\1", "List": ("a",)})


def test_names_know_no_case() -> None:
    assert (KEY.text("NAME"), KEY.number("number")) == ("text", 0)


def test_what_is_not_there_is_none_and_so_is_an_empty_text() -> None:
    assert (KEY.text("x"), KEY.text("Empty"), KEY.number("x")) == (None, None, None)


@pytest.mark.parametrize("name", ["Number", "Data", "List"])
def test_another_type_is_no_text(name: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        KEY.text(name)


@pytest.mark.parametrize("name", ["Name", "Empty", "Data", "List"])
def test_another_type_is_no_number(name: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        KEY.number(name)


def test_a_key_that_need_not_exist_is_empty_and_one_that_must_is_missed() -> None:
    machine = RecordedMachine(Recording("windows", Uname("Windows", "pc", "10", "AMD64"), False), whole=True)
    assert optional(machine, r"HKLM\Y").text("x") is None
    with pytest.raises(NotFound):
        opened(machine, r"HKLM\Y")
