"""Whether security updates install themselves: dnf-automatic, yum-cron, and SUSE's own."""

from __future__ import annotations

import contextlib
import re
from typing import AbstractSet, Callable

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.keyfile import Sections, parse
from muster_agent.system.rpm.repositories import switch

SYSTEMD = "/run/systemd/system"  # there when systemd started the PC
UNITS = "/etc/systemd/system"
TIMERS = f"{UNITS}/timers.target.wants"
SERVICES = f"{UNITS}/multi-user.target.wants"
# dnf 4's, and dnf 5's, which reads its defaults from its own folder and the administrator's from the old place.
DNF_AUTOMATIC = frozenset({"dnf-automatic", "dnf5-plugin-automatic", "libdnf5-plugin-automatic"})
DNF_SETTINGS = ("/usr/share/dnf5/dnf5-plugins/automatic.conf", "/etc/dnf/automatic.conf")
DNF_SETTINGS_5 = "/etc/dnf/dnf5-plugins/automatic.conf"
# This timer installs whatever the settings say; these two do what the settings say; two more only look or download.
INSTALLING = ("dnf-automatic-install.timer",)
AS_SET = ("dnf-automatic.timer", "dnf5-automatic.timer")
YUM_CRON = "yum-cron"
YUM_SETTINGS = ("/etc/yum/yum-cron.conf", "/etc/yum/yum-cron-hourly.conf")
YAST = "yast2-online-update-configuration"
YAST_SETTINGS = "/etc/sysconfig/automatic_online_update"
# 银河麒麟 and 统信 UOS update through programs of their own, whose settings are not read yet; an image as a whole.
OTHER_UPDATERS = frozenset({"kylin-system-updater", "kylin-unattended-upgrades", "lastore-daemon"})
IMAGES = frozenset({"transactional-update", "os-update", "rpm-ostree"})
OF_IMAGES = ("transactional-update.timer", "os-update.timer", "rpm-ostreed-automatic.timer")


def enabled(machine: Machine, unit: str, folder: str = TIMERS) -> bool:
    """Whether systemd starts ``unit`` by itself: it is wanted, and not masked."""
    if unit not in machine.names(folder):
        return False
    try:
        return machine.stat(f"{UNITS}/{unit}").size > 0  # a link to /dev/null, or an empty file: masked
    except NotFound:
        return True


def _commands(machine: Machine, paths: tuple[str, ...]) -> Sections:
    found: Sections = {}
    for path in paths:
        with contextlib.suppress(NotFound):
            parse(machine.text(path), found)
    return found


def _applies(settings: Sections, path: str) -> bool:
    said = switch(settings.get("commands", {}).get("apply_updates"), False)
    if said is None:
        raise CannotRead("not_understood", path)
    return said


def _by_dnf(machine: Machine, names: AbstractSet[str]) -> bool:
    # It has nothing but its timers, which only systemd knows.
    if not DNF_AUTOMATIC & names or not machine.exists(SYSTEMD):
        return False
    if any(enabled(machine, timer) for timer in INSTALLING):
        return True
    if not any(enabled(machine, timer) for timer in AS_SET):
        return False
    paths = (*DNF_SETTINGS, DNF_SETTINGS_5) if "dnf-automatic" not in names else DNF_SETTINGS[1:]
    return _applies(_commands(machine, paths), DNF_SETTINGS[1])


def _by_yum(machine: Machine, names: AbstractSet[str]) -> bool:
    if YUM_CRON not in names or not enabled(machine, f"{YUM_CRON}.service", SERVICES):
        return False
    return any(_applies(_commands(machine, (path,)), path) for path in YUM_SETTINGS)


def _by_yast(machine: Machine, names: AbstractSet[str]) -> bool:
    if YAST not in names:
        return False
    with contextlib.suppress(NotFound):
        said = re.search(r"^AOU_ENABLE_CRONJOB=[\"']?(\w*)", machine.text(YAST_SETTINGS), re.MULTILINE)
        return said is not None and switch(said.group(1) or "no", False) is True
    return False


def _by_another(machine: Machine, names: AbstractSet[str]) -> bool:
    other = sorted(OTHER_UPDATERS & names)
    if IMAGES & names:
        other += [timer for timer in OF_IMAGES if enabled(machine, timer)]
    if other:
        raise CannotRead("updater_not_built", other[0], "unsupported")
    return False


WAYS: tuple[Callable[[Machine, AbstractSet[str]], bool], ...] = (_by_dnf, _by_yum, _by_yast, _by_another)


def installs_itself(machine: Machine, names: AbstractSet[str]) -> bool:
    """Whether security updates install themselves on a PC with packages ``names``.

    One way that does is enough; where none does and one cannot be read, that is raised (:class:`CannotRead`).
    """
    failures: list[CannotRead] = []
    for way in WAYS:
        try:
            if way(machine, names):
                return True
        except CannotRead as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return False
