"""What passwords must be on Windows, and when an account is locked: the account database of this PC, which the group
policy of a domain writes into as well."""

from __future__ import annotations

from typing import Any

from muster_agent.machine import CannotRead, Machine
from muster_agent.system.registry_setting import required, switch
from muster_agent.system.windows_answer import record, whole

MODALS, PROFILE = "NetUserModalsGet", "SceGetSecurityProfileInfo"
FOR_EVER = 0xFFFFFFFF  # TIMEQ_FOREVER
DAY = 24 * 60 * 60
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"


def passwords(machine: Machine) -> tuple[Any, ...]:
    """Shortest password, days until it expires (0 never), how many former ones are remembered."""
    said = record(machine, MODALS, "0")
    age = whole(said, "max_passwd_age", MODALS)
    days = 0 if age == FOR_EVER else -(-age // DAY)  # a part of a day is one, for 0 days is never
    return whole(said, "min_passwd_len", MODALS), days, whole(said, "password_hist_len", MODALS)


def lockout(machine: Machine) -> tuple[Any, ...]:
    """Wrong passwords until an account is locked (0 never), seconds until it opens again (0 by an administrator)."""
    said = record(machine, MODALS, "3")
    duration = whole(said, "lockout_duration", MODALS)
    return whole(said, "lockout_threshold", MODALS), 0 if duration == FOR_EVER else duration


def complexity(machine: Machine) -> tuple[Any, ...]:
    """Whether a password must mix kinds of characters. An administrator may ask, in a 64-bit Python."""
    said = record(machine, PROFILE).get("password_complexity")
    if not isinstance(said, bool):
        raise CannotRead("not_understood", PROFILE)
    return (said,)


def blank_passwords(machine: Machine) -> tuple[Any, ...]:
    """Whether an account without a password may log in from elsewhere than the keyboard."""
    return (not switch(required(machine, LSA, "LimitBlankPasswordUse"), "LimitBlankPasswordUse"),)
