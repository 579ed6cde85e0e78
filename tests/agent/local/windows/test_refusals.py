"""What Windows's errors about a file mean: Python makes PermissionError of several that no right would help against."""

from __future__ import annotations

import sys

import pytest

from muster_agent.local import refusal, unreadable
from muster_agent.machine import CannotRead, Denied, NotFound


def permission(number: int) -> PermissionError:
    """A PermissionError with the number of Windows's error in it."""
    error = PermissionError(13, "said in the user's language")
    error.winerror = number  # type: ignore[attr-defined, unused-ignore]
    return error


@pytest.mark.parametrize("number", [32, 33])
def test_a_file_another_program_holds_is_in_use_and_not_denied(number: int) -> None:
    error = refusal(permission(number), r"C:\pagefile.sys")
    assert (type(error), error.code, error.status) == (CannotRead, "in_use", "error")


def test_a_drive_without_a_medium_is_a_failure_and_not_denied() -> None:
    assert refusal(permission(21), "D:\\").code == "system_error"


def test_what_this_user_may_not_read_is_denied() -> None:
    assert isinstance(refusal(permission(5), r"C:\System Volume Information"), Denied)
    assert isinstance(refusal(PermissionError(13, "no"), "/etc/shadow"), Denied)


def test_what_is_not_there_is_not_found() -> None:
    assert isinstance(refusal(FileNotFoundError(2, "no"), r"C:\x"), NotFound)
    assert isinstance(refusal(NotADirectoryError(20, "no"), r"C:\win.ini\x"), NotFound)


def test_a_part_that_is_locked_is_in_use_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """os.read tells by errno alone; wine does not enforce such locks, so it cannot be tried there."""
    assert isinstance(unreadable(PermissionError(13, "no"), "/etc/x"), Denied)
    monkeypatch.setattr(sys, "platform", "win32")
    assert unreadable(PermissionError(13, "no"), r"C:\x").code == "in_use"
    assert isinstance(unreadable(FileNotFoundError(2, "no"), r"C:\x"), NotFound)
