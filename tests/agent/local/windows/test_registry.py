"""Keys, values and errors of the registry, as far as they can be told without one."""

from __future__ import annotations

from typing import Any

import pytest

from muster_agent.local.windows import registry
from muster_agent.machine import CannotRead, Denied, NotFound


class WindowsError(OSError):
    """An error as Windows raises it."""

    def __init__(self, number: int) -> None:
        super().__init__(22, "said in the user's language")
        self.winerror = number


def test_a_key_is_a_root_and_a_path() -> None:
    assert registry.split(r"HKLM\SOFTWARE\Microsoft\Windows NT") == (
        "HKEY_LOCAL_MACHINE",
        r"SOFTWARE\Microsoft\Windows NT",
    )
    assert registry.split(r"HKU\S-1-5-18\Software") == ("HKEY_USERS", r"S-1-5-18\Software")
    assert registry.split("HKU") == ("HKEY_USERS", "")
    assert registry.split("HKLM\\") == ("HKEY_LOCAL_MACHINE", "")


@pytest.mark.parametrize("key", ["", "SOFTWARE", r"HKCU\Software", r"HKEY_LOCAL_MACHINE\SOFTWARE", r"hklm\SOFTWARE"])
def test_what_is_no_key_of_the_two_roots_is_a_mistake(key: str) -> None:
    with pytest.raises(ValueError, match="HKLM or HKU"):
        registry.values(key)


@pytest.mark.parametrize("number", [2, 3, 1018])
def test_a_key_that_is_not_there_or_was_deleted_is_not_found(number: int) -> None:
    assert isinstance(registry.refusal(WindowsError(number), "HKLM\\X"), NotFound)


def test_a_key_that_may_not_be_read_is_denied_and_never_absent() -> None:
    assert isinstance(registry.refusal(WindowsError(5), "HKLM\\SAM"), Denied)


def test_any_other_error_is_said_by_its_number_whatever_the_language() -> None:
    error = registry.refusal(WindowsError(1009), "HKLM\\X")
    assert (type(error), error.code, error.detail) == (CannotRead, "system_error", "HKLM\\X: error 1009")


@pytest.mark.parametrize(
    ("data", "kind", "value"),
    [
        ("text", 1, "text"),
        ("%SystemRoot%\\x", 2, "%SystemRoot%\\x"),
        ("cut\0rest", 1, "cut"),
        (None, 1, ""),
        (7, 4, 7),
        (None, 4, 0),
        (2**63, 11, 2**63),
        (["a", "b"], 7, ("a", "b")),
        ([], 7, ()),
        (None, 7, ()),
        (b"\x01\x02", 3, b"\x01\x02"),
        (None, 3, b""),
        (None, 0, b""),
        (b"\0\0\0\x07", 5, b"\0\0\0\x07"),  # REG_DWORD_BIG_ENDIAN: bytes, as every type this agent does not know
        (b"?", 0xFFFF, b"?"),
    ],
)
def test_a_value_has_the_type_the_registry_says(data: Any, kind: int, value: Any) -> None:
    found = registry.value_of(data, kind)
    assert found == value
    assert type(found) is type(value)
