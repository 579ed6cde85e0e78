"""Whether security updates install themselves: the update services, the policies, the pause, the local setting."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import filetime, registry_key
from muster_agent.system.current_version import WINDOWS_10, CurrentVersion
from muster_agent.system.wua import search

SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
DISABLED = 4  # Start (winnt.h)
POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate"
# What an MDM such as Intune sets. AllowAutoUpdate: 0 notifies, 1 to 4 install, 5 turns it off (Policy CSP, Update).
MDM = r"HKLM\SOFTWARE\Microsoft\PolicyManager\current\device\Update"
LOCAL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update"
PAUSE = r"HKLM\SOFTWARE\Microsoft\WindowsUpdate\UX\Settings"
PAUSE_STATE = r"HKLM\SOFTWARE\Microsoft\WindowsUpdate\UpdatePolicy\Settings"
# AUOptions: 1 off, 2 notify, 3 download and notify, 4 install, 7 notify (Windows Server); 5 leaves it to the local
# setting (learn.microsoft.com, "Configure Automatic Updates using Registry Editor").
INSTALLS = {1: False, 2: False, 3: False, 4: True, 7: False}
BY_MDM = {0: False, 1: True, 2: True, 3: True, 4: True, 5: False}
LOCAL_CHOICE = 5
# An update server that cannot be one: none named, or this PC itself. A common way to turn updates off.
NOWHERE = re.compile(r"^(?:https?://)?(?:[\s/]*$|127\.|0\.0\.0\.0|localhost\b|\[::1?\])", re.IGNORECASE)


def installs_itself(machine: Machine, version: CurrentVersion) -> bool:
    """Whether security updates install themselves. Raises :class:`CannotRead`."""
    windows_10 = version.build >= WINDOWS_10
    services = ("wuauserv", "UsoSvc") if windows_10 else ("wuauserv",)
    if any(off(machine, service) for service in services):
        return False
    policy = registry_key.optional(machine, POLICY)
    if policy.number("DisableWindowsUpdateAccess") == 1:
        return False
    automatic = registry_key.optional(machine, POLICY + r"\AU")
    if automatic.number("NoAutoUpdate") == 1:
        return False
    if automatic.number("UseWUServer") == 1 and NOWHERE.match((policy.text("WUServer") or "").strip()):
        return False
    if windows_10 and paused(machine):
        return False
    option = automatic.number("AUOptions")
    if option is not None and not (option == LOCAL_CHOICE and not windows_10):
        return known(INSTALLS, option, automatic.path + r": AUOptions")
    return by_itself(machine, version, windows_10)


def by_itself(machine: Machine, version: CurrentVersion, windows_10: bool) -> bool:
    """Whether they do where no group policy says so."""
    if not windows_10:
        option = registry_key.optional(machine, LOCAL).number("AUOptions")
        if option is None:  # Windows asks when it is set up; until it is answered it does nothing by itself
            raise CannotRead("automatic_not_set", LOCAL)
        return known(INSTALLS, option, LOCAL + r": AUOptions")
    allowed = registry_key.optional(machine, MDM).number("AllowAutoUpdate")
    if allowed is not None:
        return known(BY_MDM, allowed, MDM + ": AllowAutoUpdate")
    if version.server:  # since 2016 it downloads only, unless its setup or its hosts' image said otherwise
        raise CannotRead("automatic_not_set", version.installation_type or "")
    return True  # Windows 10 and 11 offer no way to turn it off but those above


def known(options: dict[int, bool], option: int, what: str) -> bool:
    """What a number of ``options`` means. Raises ``not_understood`` for another."""
    if option not in options:
        raise CannotRead("not_understood", f"{what}={option}")
    return options[option]


def off(machine: Machine, service: str) -> bool:
    """Whether a service is disabled, or was taken out of the system."""
    path = f"{SERVICES}\\{service}"
    try:
        return registry_key.opened(machine, path).number("Start") == DISABLED
    except NotFound:
        return True


def paused(machine: Machine) -> bool:
    """Whether updates are paused. Raises :class:`CannotRead` when that cannot be told.

    No clock is asked: the pause is over when the PC was started, or searched for updates, after its end; it is not
    when it did neither, as far as it can tell.
    """
    if registry_key.optional(machine, PAUSE_STATE).number("PausedQualityStatus") == 1:
        return True
    key = registry_key.optional(machine, PAUSE)
    ends = [said for said in (key.text("PauseUpdatesExpiryTime"), key.text("PauseQualityUpdatesEndTime")) if said]
    if not all(re.match(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", end) for end in ends):
        raise CannotRead("not_understood", PAUSE)
    if not ends or max(ends) <= started(machine):
        return False
    # Where the search cannot be asked, the pause may be over all the same.
    return max(ends) > (search.last_search(search.answer(machine)) or "")


def started(machine: Machine) -> str:
    """The last start, a moment that is certainly past. Raises :class:`CannotRead`."""
    said = machine.api("BootTime")
    if not isinstance(said, int):
        raise CannotRead("not_understood", "BootTime")
    return filetime.moment_of_seconds(said, "BootTime")
