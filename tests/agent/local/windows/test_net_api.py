"""Lists of netapi32: every page is read, and every buffer is given back, whatever happens in between.

The functions that fill them in exist on Windows only, so memory of this process stands for theirs.
"""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from muster_agent.local.windows import accounts, net_api, password_policy, shares
from muster_agent.machine import CannotRead, Denied

KEPT: list[Any] = []  # what a pointer points to must live


class NetApi:
    """Fills pages of structures in, and counts what it is given back."""

    def __init__(self, pages: list[Any], errors: list[int]) -> None:
        self._answers = list(zip(pages, errors, strict=True))
        self.given: list[int] = []
        self.taken_back: list[int] = []

    def __call__(self, buffer: Any, read: Any, total: Any, resume: Any) -> int:
        page, error = self._answers.pop(0)
        if page is not None:
            KEPT.append(page)
            address = ctypes.addressof(page)
            self.given.append(address)
            buffer._obj.value = address
            read._obj.value = total._obj.value = len(page)
        resume._obj.value += 1
        return error

    def function(self, library: str, name: str, *types: Any) -> Any:
        assert (library, name) == ("netapi32", "NetApiBufferFree")
        return lambda buffer: self.taken_back.append(buffer.value)


def page_of(layout: Any, *rows: dict[str, Any]) -> Any:
    """Structures one after the other."""
    page = (layout * len(rows))()
    for entry, row in zip(page, rows, strict=True):
        for name, value in row.items():
            setattr(entry, name, value)
    return page


def listed(
    monkeypatch: pytest.MonkeyPatch, pages: list[Any], errors: list[int], layout: Any, row: Any
) -> tuple[Any, NetApi]:
    """What comes of it: the rows, or the refusal."""
    system = NetApi(pages, errors)
    monkeypatch.setattr(net_api, "function", system.function)
    try:
        return net_api.enumerated("NetUserEnum", layout, system, row), system
    except CannotRead as error:
        return error, system


def test_pages_follow_each_other_until_there_is_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [
        page_of(shares.ShareInfo1, {"name": "C$", "type": 0x80000000, "remark": "Default share"}),
        page_of(shares.ShareInfo1, {"name": "资料", "type": 0, "remark": None}),
    ]
    rows, system = listed(monkeypatch, pages, [234, 0], shares.ShareInfo1, shares.share)
    assert rows == [
        {"name": "C$", "type": 0x80000000, "remark": "Default share", "path": None},
        {"name": "资料", "type": 0, "remark": "", "path": None},
    ]
    assert system.taken_back == system.given
    assert len(system.given) == 2


def test_no_entry_is_an_empty_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed(monkeypatch, [None], [0], shares.ShareInfo1, shares.share)[0] == []


def test_an_error_in_the_middle_is_no_shorter_list(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [page_of(shares.ShareInfo1, {"name": "C$"}), None]
    error, system = listed(monkeypatch, pages, [234, 5], shares.ShareInfo1, shares.share)
    assert isinstance(error, Denied)
    assert system.taken_back == system.given


def test_a_row_that_cannot_be_understood_leaks_no_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ctypes.create_string_buffer(b"\x09" * 16)
    pages = [page_of(accounts.LocalGroupMembersInfo2, {"sid": ctypes.addressof(broken), "name": "x"})]
    error, system = listed(monkeypatch, pages, [0], accounts.LocalGroupMembersInfo2, accounts.member)
    assert error.code == "not_understood"
    assert system.taken_back == system.given


def test_an_account_is_told_with_its_sid() -> None:
    [entry] = page_of(
        accounts.UserInfo3,
        {"name": "管理员", "user_id": 500, "flags": 0x10201, "password_age": 86400, "priv": 2, "last_logon": 0},
    )
    assert accounts.user(entry, "S-1-5-21-1-2-3") == {
        "name": "管理员",
        "rid": 500,
        "sid": "S-1-5-21-1-2-3-500",
        "flags": 0x10201,
        "password_age": 86400,
        "priv": 2,
        "last_logon": None,
    }
    entry.last_logon = 1_700_000_000
    assert accounts.user(entry, "S")["last_logon"] == 1_700_000_000


def test_a_member_without_a_name_is_still_one() -> None:
    sid = ctypes.create_string_buffer(bytes([1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0]))
    [entry] = page_of(accounts.LocalGroupMembersInfo2, {"sid": ctypes.addressof(sid), "name": None})
    assert accounts.member(entry) == {"sid": "S-1-5-11", "name": None}


def test_a_share_of_an_administrators_list_has_its_folder() -> None:
    [entry] = page_of(shares.ShareInfo2, {"name": "D", "type": 0, "remark": "", "path": "D:\\资料"})
    assert shares.share(entry)["path"] == "D:\\资料"
    entry.path = ""
    assert shares.share(entry)["path"] is None


# -- the security profile --------------------------------------------------------------------------------------------

LENGTHS = {"min_passwd_len": 8, "password_hist_len": 5}
LOCKOUT = {"lockout_threshold": 10}


def profile(**fields: Any) -> Any:
    """A profile that agrees with the documented functions."""
    given = {"min_passwd_len": 8, "history": 5, "lockout_threshold": 10, "complexity": 1, "clear_text": 0, **fields}
    return password_policy.SecurityProfile(**given)


def test_complexity_is_told_where_the_known_numbers_agree() -> None:
    assert password_policy.profile(profile(administrator_name="root"), LENGTHS, LOCKOUT) == {
        "password_complexity": True,
        "clear_text_password": False,
        "new_administrator_name": "root",
        "new_guest_name": None,
    }
    assert password_policy.profile(profile(complexity=0), LENGTHS, LOCKOUT)["password_complexity"] is False
    assert password_policy.profile(profile(clear_text=0xFFFFFFFE), LENGTHS, LOCKOUT)["clear_text_password"] is None


@pytest.mark.parametrize(
    "fields", [{"min_passwd_len": 0}, {"history": 24}, {"lockout_threshold": 0}, {"complexity": 0xFFFFFFFE}]
)
def test_another_layout_than_the_known_one_is_not_believed(fields: dict[str, int]) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        password_policy.profile(profile(**fields), LENGTHS, LOCKOUT)
