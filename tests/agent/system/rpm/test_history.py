"""The day of the last update is found in the newest log that tells of one, and a damaged log is said."""

from __future__ import annotations

import calendar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.recording.reduction import packed
from muster_agent.system.rpm.history import last_in_dnf_log, last_in_yum_log, last_in_zypper_history, last_update

DNF, YUM, ZYPPER = "/var/log/dnf.rpm.log", "/var/log/yum.log", "/var/log/zypp/history"
OLD, NEW = (
    f"{day}T10:20:30+0800 SUBDEBUG Upgraded: bash-4.4.19-12.el8.x86_64\n" for day in ("2023-11-01", "2023-11-09")
)


def at(year: int, month: int, day: int) -> int:
    """Seconds since 1970."""
    return calendar.timegm((year, month, day, 12, 0, 0, 0, 0, 0))


def of(files: dict[str, bytes], written: int = 0) -> str:
    """The last update on a PC with these logs."""
    return last_update(
        SimulatedMachine(Uname("Linux", "pc", "6.1", "x86_64"), {"/var/log/x": b"", **files}, mtime=written)
    )


def test_only_an_update_counts() -> None:
    text = OLD + "2023-11-20T00:00:00Z INFO --- logging initialized ---\n"
    text += "2023-11-21T00:00:00Z SUBDEBUG Installed: bash-4.4.19-14.el8.x86_64\n"
    text += "2023-11-22T00:00:00Z SUBDEBUG Erase: bash-4.4.19-14.el8.x86_64\n"
    assert last_in_dnf_log(text, 0) == "2023-11-01"
    assert last_in_dnf_log(text.replace("Upgraded", "Reinstalled"), 0) is None
    assert last_in_dnf_log("2023-11-09T00:00:00Z SUBDEBUG Upgrade: x-1-1.x86_64\n", 0) == "2023-11-09"


@pytest.mark.parametrize(
    ("lines", "written", "day"),
    [
        (["Nov 28 10:20:30 Updated: 1:bash-4.2.46-34.el7.x86_64"], at(2023, 11, 28), "2023-11-28"),
        # The file was written to in January; what stands before it in December is of the year before.
        (
            ["Dec 30 10:20:30 Updated: a-1-1.x86_64", "Jan 02 10:20:30 Installed: b-1-1.x86_64"],
            at(2024, 1, 2),
            "2023-12-30",
        ),
        (["Mar 01 10:20:30 Updated: a-1-1.x86_64", "Feb 01 10:20:30 Erased: b"], at(2024, 2, 1), "2023-03-01"),
        # The log is in local time: at 8 in the morning in China it is still yesterday for the file system.
        (["Jan 01 07:00:00 Updated: a-1-1.x86_64"], at(2023, 12, 31), "2024-01-01"),
        (
            ["Nov  8 10:20:30 Updated: a-1-1.x86_64", "Nov  9 10:20:30 Installed: a-1-1.x86_64"],
            at(2023, 11, 9),
            "2023-11-08",
        ),
        (["Nov 28 10:20:30 Installed: a-1-1.x86_64"], at(2023, 11, 28), None),
        (["Xyz 28 10:20:30 Updated: a-1-1.x86_64"], at(2023, 11, 28), None),
    ],
)
def test_the_year_of_a_log_without_years_comes_from_its_file(lines: list[str], written: int, day: str | None) -> None:
    assert last_in_yum_log("\n".join(lines) + "\n", written) == day


def zypper(*lines: str) -> str | None:
    """The last update in a history of these lines."""
    return last_in_zypper_history("# a comment\n" + "\n".join(lines) + "\n", 0)


INSTALLED = "|install|bash|{}|x86_64|root@pc|Updates|abc|"


def test_zypper_says_install_of_both_so_an_update_shows_by_what_was_there_before() -> None:
    first, second = (
        "2023-11-01 10:00:00" + INSTALLED.format("4.4-9.10.1"),
        "2023-11-05 10:00:00" + INSTALLED.format("4.4-9.9.1"),
    )
    third = "2023-11-09 10:00:00" + INSTALLED.format("4.4-9.14.1")
    assert zypper(first) is None
    assert zypper(first, second) is None  # put back to an older one
    assert zypper(first, third) == "2023-11-09"
    assert zypper(first, "2023-11-02 10:00:00|remove |bash|4.4-9.10.1|x86_64|root@pc|", third) is None


def test_what_an_update_command_installs_is_an_update() -> None:
    new = "2023-11-09 10:00:05" + INSTALLED.format("4.4-9.14.1")
    for command in ("'zypper' 'up'", "'zypper' '-n' '--no-refresh' 'patch' '-y'", "'/usr/bin/zypper' 'dup'"):
        assert zypper(f"2023-11-09 10:00:00|command|root@pc|{command}|", new) == "2023-11-09"
    for command in ("'zypper' 'in' 'patch'", "'zypper' 'install' 'update'", "'zypper'"):
        assert zypper(f"2023-11-09 10:00:00|command|root@pc|{command}|", new) is None
    assert zypper("2023-11-09 10:00:00|command|root@pc|'zypper' 'up'|") is None  # nothing came of it


def test_a_patch_that_was_applied_is_an_update() -> None:
    line = "2023-11-09 10:00:00|patch  |SUSE-SLE-2023-4521|1|noarch|Updates|important|security|{}|"
    assert zypper(line.format("applied")) == "2023-11-09"
    assert zypper(line.format("needed")) is None


def test_the_newest_log_that_tells_wins() -> None:
    assert of({DNF: NEW.encode(), DNF + ".1": OLD.encode()}) == "2023-11-09"
    assert of({DNF: b"", DNF + ".1": OLD.encode(), DNF + ".10": b"x"}) == "2023-11-01"
    assert of({DNF: b"", DNF + "-20231103.gz": packed(OLD.encode()), DNF + "-20231020": NEW.encode()}) == "2023-11-01"
    assert of({YUM: b"Nov 28 10:20:30 Updated: a-1-1.x86_64\n"}, at(2023, 11, 28)) == "2023-11-28"
    assert of({ZYPPER: b"2023-11-09 10:00:00|patch  |P|1|noarch|U|important|security|applied|\n"}) == "2023-11-09"


def test_without_a_log_that_tells_the_day_is_unknown() -> None:
    for files in ({}, {DNF: b""}, {DNF: b"\x00\xff" * 100, YUM: b"", ZYPPER: b"||||\n"}):
        with pytest.raises(CannotRead, match="no_upgrade_logged"):
            of(files)


@pytest.mark.parametrize("damage", [b"no gzip", packed(NEW.encode())[:-12]])
def test_a_damaged_log_is_not_a_log_without_updates(damage: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        of({DNF: b"", DNF + "-20231103.gz": damage})


@pytest.mark.parametrize("written", [-1, 0, 2**60])
def test_a_log_without_years_and_without_a_date_of_its_own_is_not_understood(written: int) -> None:
    assert last_in_yum_log("nothing\n", written) is None
    with pytest.raises(CannotRead, match="not_understood"):
        last_in_yum_log("Nov 28 10:20:30 Updated: a-1-1.x86_64\n", written)


@given(st.text(max_size=200), st.integers(min_value=1, max_value=2**31))
def test_any_text_gives_a_day_or_none(text: str, written: int) -> None:
    for last in (last_in_dnf_log, last_in_yum_log, last_in_zypper_history):
        day = last(text, written)
        assert day is None or len(day) == 10
