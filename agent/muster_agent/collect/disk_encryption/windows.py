"""The volumes of fixed disks on Windows, and what BitLocker says of each.

Encryption by programs of other makers is not seen: BitLocker calls such a volume not encrypted. Where one of them has
put its driver below the volumes, that answer is not taken.
"""

from __future__ import annotations

from typing import Any

from muster_agent.collect.disk_encryption.windows_bitlocker import POWERSHELL, status
from muster_agent.facts import DiskEncryption, Problem, Table
from muster_agent.machine import CannotRead, Machine

TYPE = "BitLocker"
ENCRYPTED = {"encrypted": True, "encrypting": False, "decrypting": False, "suspended": False, "not encrypted": False}
# The drivers that stand above every volume, and above every disk (setup classes Volume and DiskDrive).
CLASSES = r"HKLM\SYSTEM\CurrentControlSet\Control\Class"
FILTERS = tuple(
    f"{CLASSES}\\{setup_class}"
    for setup_class in ("{71a27cdd-812a-11d0-bec7-08002be2092f}", "{4d36e967-e325-11ce-bfc1-08002be10318}")
)
# Those that encrypt: VeraCrypt, TrueCrypt, DiskCryptor, Symantec/PGP, McAfee, Check Point.
ENCRYPTING = {"veracrypt", "truecrypt", "dcrypt", "pgpwded", "mfeepepc", "mfede", "prot_2k"}


def _others(machine: Machine) -> str | None:
    """The name of an encrypting driver of another maker, None when there is none."""
    for key in FILTERS:
        said = machine.registry_value(key, "UpperFilters")
        if said is not None and not isinstance(said, tuple):
            raise CannotRead("not_understood", f"{key}: UpperFilters")
        for name in said or ():
            if name.lower() in ENCRYPTING:
                return name
    return None


def _status(machine: Machine, answer: Any, drive: str) -> str:
    """Where ``drive`` stands. Raises :class:`CannotRead` when that cannot be told."""
    found = status(answer, drive)
    other = _others(machine) if found == "not encrypted" else None
    if other is not None:
        raise CannotRead("other_encryption", f"{drive} {other}", "unsupported")
    return found


def collect(machine: Machine) -> Table:
    """A row a volume with a letter. Without PowerShell (Windows 7, or switched off) none of it is known."""
    drives = machine.api("FixedDrives")
    if not isinstance(drives, list) or not drives or not all(isinstance(drive, str) for drive in drives):
        raise CannotRead("not_understood", "FixedDrives")
    notes: list[Problem] = []
    answer: Any = None
    try:
        answer = machine.api(POWERSHELL)
    except CannotRead as error:
        notes.append(error.problem("encrypted"))
    system: Any = None
    try:
        system = machine.api("SystemDrive")
    except CannotRead as error:
        notes.append(error.problem("system"))
    rows = []
    for drive in drives:
        found = "undefined"
        try:
            found = _status(machine, answer, drive) if answer is not None else found
        except CannotRead as error:
            notes.append(error.problem("encrypted"))
        row = DiskEncryption(
            name=drive,
            mount=drive + "\\",
            system=drive.upper() == system.upper() if isinstance(system, str) else None,
            encrypted=ENCRYPTED.get(found),
            type=TYPE if found in ENCRYPTED and found != "not encrypted" else None,
            encryption_status=found,
        )
        rows.append(row)
    return Table(rows=tuple(rows), notes=tuple(notes))
