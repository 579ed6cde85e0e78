r"""Sticks and discs on Windows: whether programs on them start by themselves, and whether sticks can be used."""

from __future__ import annotations

from typing import Any

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.registry_setting import DISABLED, SERVICES, number, place, start

EXPLORER = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\Explorer"
# NoDriveTypeAutoRun: a bit a kind of drive, 255 all of them. These are sticks and discs.
REMOVABLE, DISC = 0x04, 0x20
# NoAutorun: what to do with the commands of an autorun.inf.
NOT_RUN, RUN = 1, 2
DENIED_ALL = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\RemovableStorageDevices"
# Removable disks, among the classes that policy can deny one by one.
STICKS = DENIED_ALL + r"\{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}"
RESTRICTIONS = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DeviceInstall\Restrictions"
# Setup classes a stick is installed by: disk drives, and USB.
STICK_CLASSES = ("{4d36e967-e325-11ce-bfc1-08002be10318}", "{36fc9e60-c465-11cf-8056-444553540000}")
STICK_IDS = ("usbstor", "usb\\class_08")
# Devices that no allow list names. Whether a list names every stick in use is not to be told from its patterns.
UNSPECIFIED = "DenyUnspecified"


def autorun(machine: Machine) -> tuple[Any, ...]:
    """Whether programs start by themselves.

    Windows 7 and later ask first, unless a user has chosen otherwise. Only a policy for the whole PC settles it: the
    choices of users who are not logged in cannot be read.
    """
    drives = number(machine, EXPLORER, "NoDriveTypeAutoRun") or 0
    commands = number(machine, EXPLORER, "NoAutorun")
    if drives & (REMOVABLE | DISC) == REMOVABLE | DISC or commands == NOT_RUN:
        return (False,)
    if commands == RUN:
        return (True,)
    raise CannotRead("autorun_left_to_users", place(EXPLORER, "NoDriveTypeAutoRun"), "unsupported")


def _listed(machine: Machine, name: str, wanted: tuple[str, ...]) -> bool:
    """Whether a list of the restrictions is in force and names one of ``wanted``."""
    if number(machine, RESTRICTIONS, name) != 1:
        return False
    try:
        said = machine.registry_values(f"{RESTRICTIONS}\\{name}").values()
    except NotFound:
        return False
    texts = [value.lower() for value in said if isinstance(value, str)]
    return any(text.startswith(entry) for text in texts for entry in wanted)


def _installation_denied(machine: Machine) -> str | None:
    """The restriction that keeps new sticks from being installed, None when there is none."""
    if number(machine, RESTRICTIONS, "DenyRemovableDevices") == 1:
        return "DenyRemovableDevices"
    for name, wanted in (("DenyDeviceClasses", STICK_CLASSES), ("DenyDeviceIDs", STICK_IDS)):
        if _listed(machine, name, wanted):
            return name
    return None


def usb_storage(machine: Machine) -> tuple[Any, ...]:
    """Whether USB sticks can be used. Raises :class:`CannotRead` where only some of them cannot."""
    if start(machine, "USBSTOR") == DISABLED or number(machine, DENIED_ALL, "Deny_All") == 1:
        return (False,)
    denied = [number(machine, STICKS, name) == 1 for name in ("Deny_Read", "Deny_Write")]
    if all(denied):
        return (False,)
    restriction = _installation_denied(machine)
    if restriction is not None:
        if number(machine, RESTRICTIONS, restriction + "Retroactive") == 1:
            return (False,)
        # Those installed before the restriction go on working.
        raise CannotRead("sticks_partly_denied", place(RESTRICTIONS, restriction), "unsupported")
    if number(machine, RESTRICTIONS, UNSPECIFIED) == 1:
        raise CannotRead("sticks_partly_denied", place(RESTRICTIONS, UNSPECIFIED), "unsupported")
    if start(machine, "USBSTOR") is None:
        raise CannotRead("setting_absent", place(SERVICES, "USBSTOR"))
    return (True,)
