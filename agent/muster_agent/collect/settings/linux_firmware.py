"""Secure boot and the security chip, as the kernel shows them under /sys."""

from __future__ import annotations

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import container

EFI = "/sys/firmware/efi"
VARIABLE = EFI + "/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
TPM = "/sys/class/tpm"
TABLES = "/sys/firmware/acpi/tables"  # TPM2 and TCPA tell of a chip the kernel may have no driver for
VERSIONS = {"1": "1.2", "2": "2.0"}  # tpm_version_major, since Linux 5.6


def _not_in_a_container(machine: Machine, what: str) -> None:
    if container.inside(machine):
        raise CannotRead("container", what, "unsupported")


def secure_boot(machine: Machine) -> tuple[bool]:
    """The fifth byte of the firmware's variable; the four before it are its attributes."""
    _not_in_a_container(machine, EFI)
    if not machine.exists(EFI):
        return (False,)
    try:
        data = machine.read(VARIABLE, 64)
    except NotFound:
        if not machine.names(EFI + "/efivars"):
            raise CannotRead("efivars_not_mounted", EFI + "/efivars", "unsupported") from None
        return (False,)  # firmware of before there was secure boot
    if len(data) != 5:
        raise CannotRead("not_understood", VARIABLE)
    return (data[4] == 1,)


def tpm(machine: Machine) -> tuple[str]:
    """The version of the chip, or none."""
    _not_in_a_container(machine, TPM)
    chips = [name for name in machine.names(TPM) if name.startswith("tpm")]
    if not chips:
        if {"TPM2", "TCPA"} & set(machine.names(TABLES)):
            raise CannotRead("tpm_without_driver", TABLES, "unsupported")
        return ("none",)
    folder = f"{TPM}/{chips[0]}"
    try:
        major = machine.text(f"{folder}/tpm_version_major", 64).strip()
    except NotFound:  # Linux before 5.6; only a chip of version 2 has a resource manager
        major = "2" if machine.names("/sys/class/tpmrm") else "1" if machine.exists(f"{folder}/device/caps") else ""
    if major not in VERSIONS:
        raise CannotRead("not_understood", f"{folder}/tpm_version_major: {major}"[:100])
    return (VERSIONS[major],)
