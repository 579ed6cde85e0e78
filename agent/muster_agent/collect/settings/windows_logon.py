"""How one gets in on Windows: without a password at start, as a guest, and as an administrator past UAC."""

from __future__ import annotations

from typing import Any

from muster_agent.machine import CannotRead, Machine
from muster_agent.system.registry_setting import number, place, required, switch, text
from muster_agent.system.windows_answer import records, whole

WINLOGON = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"
SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
GUEST, UF_ACCOUNTDISABLE = 501, 0x2
# ConsentPromptBehaviorAdmin ([MS-GPSB] §2.2.11.2): 0 does not ask, 1 and 2 ask on the secure desktop whatever
# PromptOnSecureDesktop says, 3 to 5 where it says so.
NEVER, ALWAYS_SECURE, AS_SET = 0, (1, 2), (3, 4, 5)


def autologin(machine: Machine) -> tuple[Any, ...]:
    """Whether somebody is logged in at start. The password for it may lie where only Windows reads it, so its absence
    here says nothing; where there is none at all, Windows itself turns AutoAdminLogon off.

    An account whose password is empty is another matter: users tells of it.
    """
    if number(machine, WINLOGON, "AutoAdminLogon") != 1:
        return (False,)
    if not (text(machine, WINLOGON, "DefaultUserName") or "").strip():
        raise CannotRead("setting_absent", place(WINLOGON, "DefaultUserName"))
    return (True,)


def guest_account(machine: Machine) -> tuple[Any, ...]:
    """Whether the guest (number 501, whatever it is called) may log in."""
    for account in records(machine, "NetUserEnum"):
        if account.get("rid") == GUEST:
            return (not whole(account, "flags", "NetUserEnum") & UF_ACCOUNTDISABLE,)
    raise CannotRead("not_understood", "NetUserEnum")  # it cannot be deleted


def uac(machine: Machine) -> tuple[Any, ...]:
    """Whether UAC is on."""
    return (switch(required(machine, SYSTEM, "EnableLUA"), "EnableLUA"),)


def uac_prompt(machine: Machine) -> tuple[Any, ...]:
    """Whether administrators are asked, on the secure desktop. Without UAC nobody is."""
    if not switch(required(machine, SYSTEM, "EnableLUA"), "EnableLUA"):
        return (False,)
    behaviour = required(machine, SYSTEM, "ConsentPromptBehaviorAdmin")
    if behaviour == NEVER or behaviour in ALWAYS_SECURE:
        return (behaviour != NEVER,)
    if behaviour not in AS_SET:
        raise CannotRead("not_understood", f"ConsentPromptBehaviorAdmin={behaviour}")
    return (switch(required(machine, SYSTEM, "PromptOnSecureDesktop"), "PromptOnSecureDesktop"),)
