"""Whether security updates install themselves: unattended-upgrades, and what starts it."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.deb import configuration

PACKAGE = "unattended-upgrades"
# 统信 UOS and 银河麒麟 update through programs of their own, whose settings are not read yet.
OTHER_UPDATERS = frozenset({"lastore-daemon", "kylin-system-updater", "kylin-unattended-upgrades"})
SYSTEMD = "/run/systemd/system"  # there when systemd started the PC
WANTED = "/etc/systemd/system/timers.target.wants"
TIMER = "apt-daily-upgrade.timer"
# Without systemd, apt's /etc/cron.daily/apt-compat does the daily run, if anything reads that folder.
CRONS = frozenset({"cron", "anacron", "bcron", "systemd-cron"})


def switched_on(settings: dict[str, str], name: str) -> bool:
    """Whether the APT::Periodic setting ``name`` is on: a number of days other than 0, "always", or "1d"."""
    value = settings.get("apt::periodic::" + name.lower(), "0")
    return value == "always" or bool(re.match(r"^0*[1-9][0-9]*[smhd]?$", value))


def timer_runs(machine: Machine) -> bool:
    """Whether systemd starts the daily run: the timer is enabled and not masked."""
    if TIMER not in machine.names(WANTED):
        return False
    try:
        return machine.stat(f"/etc/systemd/system/{TIMER}").size > 0  # a link to /dev/null, or an empty file: masked
    except NotFound:
        return True


def installs_itself(machine: Machine, names: set[str]) -> bool:
    """Whether security updates install themselves on a PC with packages ``names``. Raises :class:`CannotRead`."""
    if PACKAGE not in names:
        other = sorted(OTHER_UPDATERS & names)
        if other:
            raise CannotRead("updater_not_built", other[0], "unsupported")
        return False
    settings = configuration.read(machine)
    if configuration.INCLUDES in settings:
        raise CannotRead("not_understood", configuration.INCLUDES)  # what it includes may switch them on or off
    if settings.get("apt::periodic::enable", "1") == "0":
        return False
    started = timer_runs(machine) if machine.exists(SYSTEMD) else bool(CRONS & names)
    if not started:
        return False
    return switched_on(settings, "Unattended-Upgrade") and switched_on(settings, "Update-Package-Lists")
