"""Windows's firewall: whose setting is in force, that a stopped one filters nothing, and what a registration is worth.

The plain cases are in firewall/windows-*.
"""

from __future__ import annotations

from typing import Any

import pytest

from muster_agent.collect.firewall import windows
from muster_agent.collect.firewall.windows_profile import DEVICE, FORMER, GROUP, OWN
from muster_agent.collect.firewall.windows_registered import REGISTERED
from muster_agent.facts import Firewall, Table
from muster_agent.machine import CannotRead, Denied, Stat, Uname
from muster_agent.recording import RecordedMachine, Recording

KEYS = ("DomainProfile", "StandardProfile", "PublicProfile")
SERVICES = {"MpsSvc": "RUNNING", "wscsvc": "RUNNING"}
PROGRAM = r"C:\Program Files\Other\other.exe"


def collect(
    values: dict[str, Any], services: Any = SERVICES, products: tuple[dict[str, Any], ...] = (), there: bool = True
) -> Table:
    """The table of a PC whose three profiles are on, with ``values`` besides or instead."""
    own: dict[str, Any] = {f"{OWN}\\{key}": {"EnableFirewall": 1} for key in KEYS}
    names = tuple(f"{{{number}}}" for number in range(len(products)))
    said = {
        **own,
        **values,
        **{f"{REGISTERED}\\{name}": product for name, product in zip(names, products, strict=True)},
    }
    recording = Recording(
        "windows",
        Uname("Windows", "pc", "10", "AMD64"),
        True,
        values=said,
        keys={REGISTERED: names},
        apis={("EnumServicesStatusEx",): services},
        stats={PROGRAM: Stat(1, 1)} if there else {},
    )
    return windows.collect(RecordedMachine(recording, whole=True))


def profile(table: Table, name: str) -> Firewall:
    """One profile's row."""
    [row] = [row for row in table.rows or () if row.profile == name]
    assert isinstance(row, Firewall)
    return row


def state(table: Table, name: str) -> tuple[bool | None, str | None]:
    """(enabled, inbound) of a profile."""
    row = profile(table, name)
    return row.enabled, row.inbound


def other(table: Table) -> Firewall:
    """The row of the registered product."""
    [row] = [row for row in table.rows or () if row.profile is None]
    assert isinstance(row, Firewall)
    return row


def codes(table: Table) -> set[tuple[str, str | None]]:
    """(code, column) of the notes."""
    return {(note.code, note.column) for note in table.notes}


@pytest.mark.parametrize(
    ("group", "device", "own", "enabled"),
    [
        (0, None, 1, False),
        (1, None, 0, True),
        (None, 0, 1, False),
        (None, 1, 0, True),
        (None, None, 0, False),
        (1, 1, 0, True),
        (0, 0, 1, False),
    ],
)
def test_the_policy_stands_before_the_pc(group: int | None, device: int | None, own: int, enabled: bool) -> None:
    values: dict[str, Any] = {f"{OWN}\\StandardProfile": {"EnableFirewall": own}}
    if group is not None:
        values[f"{GROUP}\\PrivateProfile"] = {"EnableFirewall": group}
    if device is not None:
        values[f"{DEVICE}\\StandardProfile"] = {"EnableFirewall": device}
    table = collect(values)
    assert profile(table, "private").enabled is enabled
    assert (profile(table, "domain").enabled, profile(table, "public").enabled) == (True, True)
    assert table.notes == ()


def test_two_policies_that_differ_leave_it_unknown() -> None:
    values = {f"{GROUP}\\DomainProfile": {"EnableFirewall": 1}, f"{DEVICE}\\DomainProfile": {"EnableFirewall": 0}}
    table = collect(values)
    assert state(table, "domain") == (None, None)
    assert codes(table) == {("policies_differ", "enabled"), ("policies_differ", "inbound")}


def test_the_policy_of_windows_xp_speaks_of_all_but_the_domain_and_counts_where_it_agrees() -> None:
    table = collect({FORMER: {"EnableFirewall": 0}})
    assert [state(table, name) for name in ("domain", "private", "public")] == [
        (True, "block"),
        (None, None),
        (None, None),
    ]
    assert state(collect({FORMER: {"EnableFirewall": 1}}), "private") == (True, "block")
    values = {FORMER: {"EnableFirewall": 0}, f"{GROUP}\\PrivateProfile": {"EnableFirewall": 1}}
    assert state(collect(values), "private") == (True, "block")


@pytest.mark.parametrize(
    ("values", "inbound"),
    [
        ({}, "block"),
        ({"DefaultInboundAction": 1}, "block"),
        ({"DefaultInboundAction": 0}, "allow"),
        ({"DefaultInboundAction": 0, "DoNotAllowExceptions": 1}, "block"),
        ({"DoNotAllowExceptions": 0}, "block"),
        ({"enablefirewall": 1, "defaultinboundaction": 0}, "allow"),
    ],
)
def test_what_no_rule_speaks_of_is_blocked_unless_it_is_let_in(values: dict[str, int], inbound: str) -> None:
    said = {"EnableFirewall": 1, **values} if "enablefirewall" not in values else values
    assert state(collect({f"{OWN}\\PublicProfile": said}), "public") == (True, inbound)


@pytest.mark.parametrize("services", [{"MpsSvc": "STOPPED"}, {"MpsSvc": "PAUSED"}, {}])
def test_without_its_service_nothing_is_filtered_whatever_is_set(services: dict[str, str]) -> None:
    table = collect({f"{OWN}\\DomainProfile": {}}, services)
    assert [state(table, name) for name in ("domain", "private", "public")] == [(False, "allow")] * 3


@pytest.mark.parametrize("services", [Denied("EnumServicesStatusEx"), {"MpsSvc": "START_PENDING"}])
def test_an_unknown_service_leaves_on_unknown_and_off_is_off(services: Any) -> None:
    table = collect({f"{OWN}\\DomainProfile": {"EnableFirewall": 0}}, services)
    assert [state(table, name) for name in ("domain", "private")] == [(False, "allow"), (None, None)]
    assert {column for _, column in codes(table)} == {"enabled", "inbound"}


@pytest.mark.parametrize("value", [2, "on", b"\1\2\3\4\5"])
def test_a_value_that_is_neither_on_nor_off_is_unknown(value: Any) -> None:
    table = collect({f"{OWN}\\DomainProfile": {"EnableFirewall": value}})
    assert state(table, "domain") == (None, None)
    assert ("not_understood", "enabled") in codes(table)


def test_an_absent_value_is_not_on() -> None:
    table = collect({f"{OWN}\\DomainProfile": {"DisableNotifications": 0}})
    assert state(table, "domain") == (None, None)
    assert ("setting_absent", "enabled") in codes(table)


# -- other makers ----------------------------------------------------------------------------------------------------


def product(state_of_it: int, path: str = PROGRAM, name: str = "Other") -> dict[str, Any]:
    """A registered firewall."""
    return {"DISPLAYNAME": name, "PRODUCTEXE": path, "REPORTINGEXE": "", "STATE": state_of_it}


@pytest.mark.parametrize(
    ("state_of_it", "enabled", "word"),
    [
        (0x011000, True, "on"),
        (0x011010, True, "on"),
        (0x010000, False, "off"),
        (0x012000, False, "snoozed"),
        (0x013000, False, "expired"),
        (0x013010, False, "expired"),
        (0x051000, True, "on"),
    ],
)
def test_the_state_is_the_masked_value_and_not_a_bit(state_of_it: int, enabled: bool, word: str) -> None:
    row = other(collect({}, products=(product(state_of_it),)))
    assert (row.name, row.enabled, row.inbound, row.basis) == ("Other", enabled, None, f"security center:{word}")


def test_a_registration_without_its_program_filters_nothing() -> None:
    assert other(collect({}, products=(product(0x011000),), there=False)).enabled is False


@pytest.mark.parametrize("path", [r"%ProgramFiles%\Other\other.exe", "", "other.exe", r"\\server\share\other.exe"])
def test_a_program_that_cannot_be_looked_for_is_unknown(path: str) -> None:
    table = collect({}, products=(product(0x011000, path),))
    assert other(table).enabled is None
    assert ("program_not_named", "enabled") in codes(table)


def test_while_the_security_centre_is_off_its_word_is_old() -> None:
    table = collect({}, {**SERVICES, "wscsvc": "STOPPED"}, (product(0x011000),))
    assert other(table).enabled is None
    assert ("security_center_off", "enabled") in codes(table)


def test_windows_own_entry_is_no_other_firewall() -> None:
    table = collect({}, products=(product(0x011100, name="Windows Firewall"),))
    assert len(table.rows or ()) == 3
    assert table.notes == ()


def test_two_entries_of_one_product_that_differ_leave_it_unknown() -> None:
    table = collect({}, products=(product(0x011000), product(0x010000)))
    assert other(table).enabled is None
    assert ("registered_twice", "enabled") in codes(table)
    assert other(collect({}, products=(product(0x011000), product(0x011010)))).enabled is True


@pytest.mark.parametrize("state_of_it", [0x014000, "on", b""])
def test_a_state_that_is_none_is_said_and_the_profiles_go_on(state_of_it: Any) -> None:
    table = collect({}, products=(product(state_of_it),))
    assert len(table.rows or ()) == 3
    assert ("not_understood", None) in codes(table)


def test_an_unreadable_list_of_products_is_said() -> None:
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), False, apis={("EnumServicesStatusEx",): {}})
    recording.keys[REGISTERED] = CannotRead("system_error", REGISTERED)
    table = windows.collect(RecordedMachine(recording, whole=True))
    assert ("system_error", None) in codes(table)
