"""Whether updates install themselves: what the settings say, and whether anything reads them."""

from __future__ import annotations

import pytest

from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.system.rpm.automatic import installs_itself

SYSTEMD = {"/run/systemd/system/x": b""}
WANTS = "/etc/systemd/system/timers.target.wants/"
CONF = "/etc/dnf/automatic.conf"
APPLY = b"[commands]\n# apply_updates = no\nupgrade_type = security\napply_updates = yes\n"


def of(names: set[str], files: dict[str, bytes]) -> bool:
    """Whether updates install themselves on a PC with these packages and files."""
    return installs_itself(SimulatedMachine(Uname("Linux", "pc", "6.1", "x86_64"), files), names)


DNF = {"dnf-automatic"}
TIMER, INSTALL = {WANTS + "dnf-automatic.timer": b"x"}, {WANTS + "dnf-automatic-install.timer": b"x"}


@pytest.mark.parametrize(
    ("names", "files", "expected"),
    [
        (set(), {}, False),
        (DNF, {**SYSTEMD, **TIMER, CONF: APPLY}, True),
        (DNF, {**SYSTEMD, **TIMER, CONF: b"[commands]\napply_updates = no\n"}, False),
        (DNF, {**SYSTEMD, **TIMER, CONF: b"[commands]\ndownload_updates = yes\n"}, False),  # downloads only
        (DNF, {**SYSTEMD, **TIMER}, False),
        (DNF, {**SYSTEMD, CONF: APPLY}, False),  # nothing starts it
        (DNF, {**TIMER, CONF: APPLY}, False),  # without systemd nothing reads timers
        (DNF, {**SYSTEMD, **INSTALL}, True),  # installs whatever the settings say
        (DNF, {**SYSTEMD, **INSTALL, "/etc/systemd/system/dnf-automatic-install.timer": b""}, False),  # masked
        (DNF, {**SYSTEMD, WANTS + "dnf-automatic-notifyonly.timer": b"x", CONF: APPLY}, False),
        (set(), {**SYSTEMD, **TIMER, CONF: APPLY}, False),  # left behind by a package that was removed
        ({"dnf5-plugin-automatic"}, {**SYSTEMD, WANTS + "dnf5-automatic.timer": b"x", CONF: APPLY}, True),
        (
            {"dnf5-plugin-automatic"},
            {
                **SYSTEMD,
                **TIMER,
                "/usr/share/dnf5/dnf5-plugins/automatic.conf": b"[commands]\napply_updates = yes\n",
                CONF: b"[commands]\napply_updates = no\n",
            },
            False,
        ),
        (
            {"yum-cron"},
            {
                "/etc/systemd/system/multi-user.target.wants/yum-cron.service": b"x",
                "/etc/yum/yum-cron.conf": b"[commands]\nupdate_cmd = security\napply_updates = yes\n",
            },
            True,
        ),
        ({"yum-cron"}, {"/etc/yum/yum-cron.conf": b"[commands]\napply_updates = yes\n"}, False),
        (
            {"yast2-online-update-configuration"},
            {"/etc/sysconfig/automatic_online_update": b'AOU_ENABLE_CRONJOB="true"\n'},
            True,
        ),
        (
            {"yast2-online-update-configuration"},
            {"/etc/sysconfig/automatic_online_update": b'AOU_ENABLE_CRONJOB=""\n'},
            False,
        ),
        ({"os-update"}, {}, False),
    ],
)
def test_what_installs_itself(names: set[str], files: dict[str, bytes], expected: bool) -> None:
    assert of(names, files) is expected


@pytest.mark.parametrize(
    ("names", "files", "code"),
    [
        (DNF, {**SYSTEMD, **TIMER, CONF: b"[commands]\napply_updates = perhaps\n"}, "not_understood"),
        ({"kylin-system-updater"}, {}, "updater_not_built"),
        ({"os-update"}, {WANTS + "os-update.timer": b"x"}, "updater_not_built"),
    ],
)
def test_what_cannot_be_read_is_unknown(names: set[str], files: dict[str, bytes], code: str) -> None:
    with pytest.raises(CannotRead) as raised:
        of(names, files)
    assert raised.value.code == code


def test_one_way_that_installs_is_enough() -> None:
    assert of({"dnf-automatic", "kylin-system-updater"}, {**SYSTEMD, **INSTALL}) is True
