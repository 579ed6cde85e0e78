"""What the firmware of a Windows PC guards: Secure Boot, and the security chip."""

from __future__ import annotations

from typing import Any

from muster_agent.machine import CannotRead, Machine
from muster_agent.system import current_version
from muster_agent.system.registry_setting import WINDOWS_8, number, place, switch
from muster_agent.system.windows_answer import whole

STATE = r"HKLM\SYSTEM\CurrentControlSet\Control\SecureBoot\State"
ENABLED = "UEFISecureBootEnabled"
BIOS = 1
TPM = "Tbsi_GetDeviceInfo"
VERSIONS = {1: "1.2", 2: "2.0"}


def secure_boot(machine: Machine) -> tuple[Any, ...]:
    """Whether only signed systems start. Windows 7 is not signed for it and does not start where it is on."""
    said = number(machine, STATE, ENABLED)
    if said is not None:
        return (switch(said, ENABLED),)
    if current_version.read(machine).build < WINDOWS_8 or machine.api("GetFirmwareType") == BIOS:
        return (False,)
    raise CannotRead("setting_absent", place(STATE, ENABLED))


def tpm(machine: Machine) -> tuple[Any, ...]:
    """The version of the security chip, "none" when there is none."""
    said = machine.api(TPM)
    if said is None:
        return ("none",)
    version = VERSIONS.get(whole(said, "tpm_version", TPM)) if isinstance(said, dict) else None
    if version is None:
        raise CannotRead("not_understood", TPM)
    return (version,)
