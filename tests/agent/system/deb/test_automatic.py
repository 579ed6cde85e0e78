"""Updates install themselves only where all of it holds: the package, its settings, and something that starts it."""

from __future__ import annotations

import pytest

from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.system.deb.automatic import installs_itself, switched_on

SETTINGS = b'APT::Periodic { Update-Package-Lists "1"; Unattended-Upgrade "1"; };'
ON = {"/etc/apt/apt.conf.d/20auto-upgrades": SETTINGS}
SYSTEMD = {"/run/systemd/system/x": b""}
TIMER = {"/etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer": b"[Timer]"}
UNATTENDED = {"unattended-upgrades"}


def said(files: dict[str, bytes], names: set[str]) -> bool:
    """The answer of a PC with these files and packages."""
    return installs_itself(SimulatedMachine(Uname("Linux", "pc", "6.1", "x86_64"), {"/etc/x": b"", **files}), names)


@pytest.mark.parametrize(
    ("files", "names", "automatic"),
    [
        ({**ON, **SYSTEMD, **TIMER}, UNATTENDED, True),
        ({**ON, **SYSTEMD}, UNATTENDED, False),  # nothing starts it
        ({**ON, **SYSTEMD, **TIMER}, set(), False),
        ({**SYSTEMD, **TIMER}, UNATTENDED, False),  # nobody switched it on
        ({**ON, **SYSTEMD, **TIMER, "/etc/systemd/system/apt-daily-upgrade.timer": b""}, UNATTENDED, False),  # masked
        ({**ON, **SYSTEMD, **TIMER, "/etc/systemd/system/apt-daily-upgrade.timer": b"[Timer]"}, UNATTENDED, True),
        (ON, UNATTENDED | {"cron"}, True),
        (ON, UNATTENDED, False),  # neither systemd nor cron
        ({**ON, **SYSTEMD, **TIMER, "/etc/apt/apt.conf.d/99x": b'APT::Periodic::Enable "0";'}, UNATTENDED, False),
        ({**ON, **SYSTEMD, **TIMER, "/etc/apt/apt.conf": b'APT::Periodic::Unattended-Upgrade "0";'}, UNATTENDED, False),
        ({**ON, **SYSTEMD, **TIMER, "/etc/apt/apt.conf.d/99x.bak": b'APT::Periodic::Enable "0";'}, UNATTENDED, True),
    ],
)
def test_all_of_it_must_hold(files: dict[str, bytes], names: set[str], automatic: bool) -> None:
    assert said(files, names) is automatic


def test_a_makers_own_updater_is_unknown_and_not_no() -> None:
    for name in ("lastore-daemon", "kylin-system-updater"):
        with pytest.raises(CannotRead) as raised:
            said({}, {name})
        assert (raised.value.code, raised.value.status) == ("updater_not_built", "unsupported")


@pytest.mark.parametrize(
    ("value", "on"),
    [("1", True), ("7", True), ("always", True), ("1d", True), ("0", False), ("", False), ("00", False)],
)
def test_a_number_of_days_other_than_none_is_on(value: str, on: bool) -> None:
    assert switched_on({"apt::periodic::x": value}, "X") is on
    assert switched_on({}, "X") is False


def test_settings_that_include_a_file_are_unknown_and_neither_yes_nor_no() -> None:
    files = {**ON, **SYSTEMD, **TIMER, "/etc/apt/apt.conf.d/99x": b'#include "/srv/apt.conf";\n'}
    with pytest.raises(CannotRead, match="#include"):
        said(files, UNATTENDED)
