"""Windows's accounts: whose they are, who administers, and a day that holds still though it is told as an age."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect.users import windows, windows_account
from muster_agent.facts import Table, User
from muster_agent.machine import CannotRead, Denied, Uname
from muster_agent.recording import RecordedMachine, Recording

NOW = 1_795_392_000  # 2026-11-23T00:00:00Z
SID = "S-1-5-21-1-2-3"


def account(rid: int = 1001, **more: Any) -> dict[str, Any]:
    """One account of NetUserEnum."""
    said = {"name": "someone", "flags": 0x201, "password_age": 86_400, "priv": 1, "last_logon": None}
    return {**said, "rid": rid, "sid": f"{SID}-{rid}", **more}


def collect(
    *accounts: dict[str, Any], members: Any = (), length: int = 8, lifetime: int = 3_628_800, product: str = "WinNT"
) -> Table:
    """The table of a PC with these accounts."""
    modals = {"min_passwd_len": length, "max_passwd_age": lifetime}
    group = members if isinstance(members, CannotRead) else [{"sid": sid, "name": None} for sid in members]
    apis: dict[tuple[str, ...], Any] = {
        ("NetUserEnum",): list(accounts),
        ("GetSystemTimeAsFileTime",): NOW,
        ("NetUserModalsGet", "0"): modals,
        ("NetLocalGroupGetMembers", windows.ADMINISTRATORS): group,
    }
    values: dict[str, Any] = {windows.PRODUCT: {"ProductType": product}}
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, apis=apis, values=values)
    return windows.collect(RecordedMachine(recording))


def only(table: Table) -> User:
    """The one row."""
    [row] = table.rows or ()
    assert isinstance(row, User)
    return row


@pytest.mark.parametrize(
    ("rid", "name", "kind"),
    [
        (500, "Administrator", "person"),
        (501, "来宾", "person"),
        (502, "krbtgt", "system"),
        (503, "DefaultAccount", "system"),
        (504, "WDAGUtilityAccount", "system"),
        (1000, "user", "person"),
        (1002, "HomeGroupUser$", "system"),
        (1003, "hidden$", "person"),
        (1004, "defaultuser100000", "system"),
    ],
)
def test_whom_an_account_is_for(rid: int, name: str, kind: str) -> None:
    assert only(collect(account(rid, name=name))).type == kind


def test_an_administrator_is_a_person_whatever_it_is_called() -> None:
    row = only(collect(account(1002, name="HomeGroupUser$"), members=(f"{SID}-1002",)))
    assert (row.type, row.administrator) == ("person", True)


@pytest.mark.parametrize(
    ("members", "priv", "administrator"),
    [
        ((f"{SID}-1001",), 1, True),
        ((f"{SID}-500",), 1, False),
        # The account of a domain with the same number is another account.
        (("S-1-5-21-9-9-9-1001",), 1, False),
        # The group's word counts where it was read.
        ((f"{SID}-500",), 2, False),
        (("S-1-5-11",), 1, True),
        (("S-1-1-0",), 1, True),
        (("S-1-5-113",), 1, True),
        (Denied("NetLocalGroupGetMembers"), 2, True),
        (Denied("NetLocalGroupGetMembers"), 1, None),
    ],
)
def test_who_administers(members: Any, priv: int, administrator: bool | None) -> None:
    table = collect(account(priv=priv), members=members)
    assert only(table).administrator is administrator
    assert bool(table.notes) is isinstance(members, Denied)


@pytest.mark.parametrize(
    ("flags", "length", "status"),
    [(0x201, 8, "active"), (0x221, 8, "optional"), (0x201, 0, "optional"), (0x10223, 8, "optional")],
)
def test_a_password_that_may_be_empty_is_not_called_set(flags: int, length: int, status: str) -> None:
    assert only(collect(account(flags=flags), length=length)).password_status == status


@pytest.mark.parametrize(
    ("flags", "lifetime", "expires"),
    [(0x201, 3_628_800, True), (0x10201, 3_628_800, False), (0x201, 0xFFFFFFFF, False), (0x10201, 0xFFFFFFFF, False)],
)
def test_a_password_expires_by_the_account_and_the_policy(flags: int, lifetime: int, expires: bool) -> None:
    assert only(collect(account(flags=flags), lifetime=lifetime)).password_expires is expires


def test_a_disabled_account_is_not_enabled() -> None:
    assert only(collect(account(flags=0x203))).enabled is False
    assert only(collect(account(flags=0x211))).enabled is True  # locked for a while, by wrong passwords


@given(st.integers(min_value=31_536_000 * 20, max_value=2**32), st.integers(min_value=0, max_value=2**31))
def test_the_day_of_a_change_is_the_same_whenever_it_is_asked_for(moment: int, later: int) -> None:
    """The age grows as the clock does; a second may pass between the two questions."""
    days = {
        windows_account.changed(now - moment, now + between)
        for now in (moment + 1, moment + 1 + later)
        for between in (0, 1)
    }
    if 1 <= (moment + 30) % 86_400 < 86_399:  # not within a second of the edge
        assert len(days) == 1


@pytest.mark.parametrize("age", [0, NOW, NOW + 86_400, 4_294_967_295])
def test_a_password_that_was_never_set_has_no_day(age: int) -> None:
    assert only(collect(account(password_age=age))).password_changed is None


def test_days_are_told_of_the_last_login_and_none_of_never() -> None:
    assert only(collect(account(last_logon=NOW - 1))).last_login == "2026-11-22"
    assert only(collect(account(last_logon=None))).last_login is None


def test_a_domain_controller_has_no_accounts_of_its_own() -> None:
    with pytest.raises(CannotRead, match="not_on_this_system"):
        collect(account(), product="LanmanNT")


def test_no_accounts_at_all_are_not_understood() -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        collect()
