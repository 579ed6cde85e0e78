"""The login window of macOS: who is let in without a password, and when the screen locks."""

from __future__ import annotations

from muster_agent.machine import CannotRead, Machine
from muster_agent.system import plist

LOGIN_WINDOW = "/Library/Preferences/com.apple.loginwindow.plist"
SCREEN_SAVER = "com.apple.screensaver.plist"
MANAGED = "/Library/Managed Preferences/"
# Keys of Apple's configuration profiles (payloads com.apple.loginwindow and com.apple.MCX).
NO_AUTOLOGIN = "com.apple.login.mcx.DisableAutoLoginClient"
NO_GUEST, GUEST = "DisableGuestAccount", "EnableGuestAccount"


def _settings(machine: Machine) -> plist.Dictionary:
    """What is set, and what an administrator manages over it. Without a file nothing was ever set."""
    found = dict(plist.optional(machine, LOGIN_WINDOW))
    found.update(plist.optional(machine, MANAGED + "com.apple.loginwindow.plist"))
    return found


def autologin(machine: Machine) -> tuple[bool]:
    """Whether somebody is logged in at start. An administrator who forbids it wins over the account once chosen."""
    found = _settings(machine)
    return (plist.flag(found, NO_AUTOLOGIN) is not True and plist.text(found, "autoLoginUser") is not None,)


def guest_account(machine: Machine) -> tuple[bool]:
    """Whether a guest may log in: as an administrator manages it, else as it was set on the Mac."""
    managed = plist.optional(machine, MANAGED + "com.apple.MCX.plist")
    if plist.flag(managed, NO_GUEST) is True:
        return (False,)
    if plist.flag(managed, GUEST) is not None:
        return (plist.flag(managed, GUEST) is True,)
    return (plist.flag(_settings(machine), "GuestEnabled") is True,)


def screen_lock(machine: Machine) -> tuple[bool, int]:
    """(the screen locks itself, seconds until it does), where an administrator manages it for every user.

    Each user's own choice lies in their keychain since macOS 10.13, where nobody else may look: it stays unknown.
    """
    found = plist.optional(machine, MANAGED + SCREEN_SAVER)
    asks = plist.flag(found, "askForPassword")
    idle, delay = found.get("idleTime"), found.get("askForPasswordDelay", 0)
    if asks is None or isinstance(idle, bool) or not isinstance(idle, int) or not isinstance(delay, int):
        raise CannotRead("screen_lock_not_managed", MANAGED + SCREEN_SAVER, "unsupported")
    return asks and idle > 0, idle + delay
