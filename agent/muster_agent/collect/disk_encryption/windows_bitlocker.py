"""BitLocker's word on a volume: the state of the volume for an administrator, Explorer's property for everybody else.

Both come with the one PowerShell call of a run.
"""

from __future__ import annotations

from typing import Any

from muster_agent.machine import CannotRead

POWERSHELL = "PowerShell"
# Win32_EncryptableVolume: ProtectionStatus 0 is off, 1 on, 2 unknown because the volume is locked. ConversionStatus is
# 0 decrypted, 1 encrypted, 2 encrypting, 3 decrypting, 4 and 5 the last two while they pause.
ON, OFF, LOCKED = 1, 0, 2
MOVING = {2: "encrypting", 3: "decrypting", 4: "encrypting", 5: "decrypting"}
AT_REST = {
    (ON, 1): "encrypted",
    # Documented to be on only where all is encrypted, so it need not be said a second time.
    (ON, None): "encrypted",
    # All of it is encrypted, and the key lies beside it: protection is suspended, or no key was ever set.
    (OFF, 1): "suspended",
    (OFF, 0): "not encrypted",
}
# System.Volume.BitLockerProtection, which Microsoft does not document. Of 5 one source says that protection is
# suspended and another that the volume is unlocked, 7 and 8 rest on one source alone: none of them is guessed.
SHELL = {1: "encrypted", 2: "not encrypted", 3: "encrypting", 4: "decrypting"}
SHELL_LOCKED = 6


def _number(said: Any) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def by_volume(said: Any, drive: str) -> tuple[int | None, int | None] | None:
    """(ProtectionStatus, ConversionStatus) of ``drive`` as an administrator was told, None when it is not there."""
    for volume in said if isinstance(said, list) else ():
        if isinstance(volume, dict) and str(volume.get("drive", "")).upper() == drive.upper():
            return _number(volume.get("protection_status")), _number(volume.get("conversion_status"))
    return None


def status_of_volume(protection: int | None, conversion: int | None, drive: str) -> str:
    """Where a volume stands. Raises :class:`CannotRead` where that cannot be told, and for what contradicts itself."""
    if protection == LOCKED:
        # It has a key; whether everything had been encrypted by it when it was locked, nobody can see.
        raise CannotRead("volume_locked", drive, "unsupported")
    if conversion in MOVING:
        return MOVING[conversion]
    found = AT_REST.get((protection, conversion))  # type: ignore[arg-type]
    if found is None:
        raise CannotRead("not_understood", f"{drive} {protection}/{conversion}")
    return found


def status_of_property(value: Any, drive: str) -> str:
    """Where a volume stands by Explorer's property. Raises :class:`CannotRead` for what is not certain."""
    number = _number(value)
    if number == SHELL_LOCKED:
        raise CannotRead("volume_locked", drive, "unsupported")
    if number is None:
        raise CannotRead("bitlocker_not_told", drive, "unsupported")
    if number not in SHELL:
        raise CannotRead("bitlocker_state_unclear", f"{drive} {number}", "unsupported")
    return SHELL[number]


def status(answer: Any, drive: str) -> str:
    """encrypted, encrypting, decrypting, suspended or not encrypted. Raises :class:`CannotRead` when it cannot tell."""
    if not isinstance(answer, dict):
        raise CannotRead("not_understood", POWERSHELL)
    volume = by_volume(answer.get("bitlocker"), drive)
    if volume is not None:
        return status_of_volume(*volume, drive)
    properties = answer.get("bitlocker_shell")
    properties = properties if isinstance(properties, dict) else {}
    value = next((value for name, value in properties.items() if str(name).upper() == drive.upper()), None)
    return status_of_property(value, drive)
