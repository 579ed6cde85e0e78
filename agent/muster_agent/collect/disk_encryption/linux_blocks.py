"""Block devices in /sys/class/block: what they lie on, and whether something on the way encrypts them."""

from __future__ import annotations

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine

FOLDER = "/sys/class/block"
DEEPEST = 16  # layers; LVM on LUKS on RAID on partitions is four
# lib/setup.c of cryptsetup: the device-mapper UUID is CRYPT-<type>-<uuid>-<name>.
ENCRYPTING = {
    "LUKS1": "LUKS1",
    "LUKS2": "LUKS2",
    "PLAIN": "dm-crypt",
    "TCRYPT": "VeraCrypt",
    "BITLK": "BitLocker",
    "FVAULT2": "FileVault",
    "LOOPAES": "loop-AES",
}
PASSING = ("VERITY", "INTEGRITY", "SUBDEV")  # they protect from changes, not from readers
# Mappings that only put devices together: LVM, multipath and its partitions, RAID of the firmware, Stratis, VDO.
PLAIN = ("LVM-", "mpath-", "part", "DMRAID-", "stratis-", "VDO-")
# What cryptsetup reencrypt puts between a device and what it lies on (lib/luks2/luks2_reencrypt.c).
CHANGING = ("-overlay", "-hotzone-forward", "-hotzone-backward")
SD_CARD = "SD"


@dataclass(frozen=True)
class Encryption:
    """Whether a device is encrypted; ``why`` says why that cannot be told."""

    encrypted: bool | None
    kinds: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()  # the kernel's names of the encrypting devices
    why: CannotRead | None = None


def optional(machine: Machine, path: str) -> str:
    """The text of a file that not every device has."""
    return machine.optional_text(path, 4096).strip()


def named(machine: Machine, name: str) -> str:
    """The device as people know it: /dev/sda2, /dev/mapper/cryptroot."""
    mapped = optional(machine, f"{FOLDER}/{name}/dm/name")
    return f"/dev/mapper/{mapped}" if mapped else "/dev/" + name.replace("!", "/")


def below(machine: Machine, name: str) -> list[str]:
    """What a device lies on: its parts, or those of the disk it is a partition of."""
    slaves = machine.names(f"{FOLDER}/{name}/slaves")
    if not slaves and machine.exists(f"{FOLDER}/{name}/partition"):
        slaves = machine.names(f"{FOLDER}/{name}/../slaves")
    return slaves


def encryption(machine: Machine, name: str, depth: int = 0) -> Encryption:
    """Whether everything that is written to the device is encrypted before it reaches a disk."""
    if depth > DEEPEST:
        return Encryption(None, why=CannotRead("not_understood", f"{FOLDER}/{name}/slaves"))
    uuid = optional(machine, f"{FOLDER}/{name}/dm/uuid")
    mapped = optional(machine, f"{FOLDER}/{name}/dm/name")
    parts = below(machine, name)
    if uuid.startswith("CRYPT-"):
        kind = uuid.split("-")[1]
        between = {mapped + ending for ending in CHANGING}
        if any(optional(machine, f"{FOLDER}/{part}/dm/name") in between for part in parts):
            return Encryption(None, layers=(name,), why=CannotRead("encryption_changing", named(machine, name)))
        if kind in ENCRYPTING:
            return Encryption(True, (ENCRYPTING[kind],), (name,))
        if kind not in PASSING:
            return Encryption(None, why=CannotRead("mapping_unknown", uuid[:40], "unsupported"))
    found = all_of([encryption(machine, part, depth + 1) for part in parts])
    if found.encrypted is False and mapped and not uuid.startswith((*PLAIN, "CRYPT-")):
        return Encryption(None, why=CannotRead("mapping_unknown", f"{mapped} {uuid}".strip()[:80], "unsupported"))
    if not parts and name.startswith("zd"):
        return Encryption(None, why=CannotRead("encryption_not_built", name, "unsupported"))
    return found


def all_of(parts: list[Encryption]) -> Encryption:
    """What holds of a device that lies on several: it is encrypted when all are."""
    if any(part.encrypted is False for part in parts) or not parts:
        return Encryption(False)
    doubt = next((part for part in parts if part.encrypted is None), None)
    if doubt is not None:
        return doubt
    kinds = tuple(sorted({kind for part in parts for kind in part.kinds}))
    return Encryption(True, kinds, tuple(sorted({layer for part in parts for layer in part.layers})))


def disks(machine: Machine, name: str, depth: int = 0) -> set[str]:
    """The folders of the disks a device lies on in the end."""
    parts = below(machine, name) if depth <= DEEPEST else []
    if parts:
        return {disk for part in parts for disk in disks(machine, part, depth + 1)}
    whole = machine.exists(f"{FOLDER}/{name}/partition")
    return {f"{FOLDER}/{name}/.." if whole else f"{FOLDER}/{name}"}


def goes_away(machine: Machine, disk: str) -> bool:
    """Whether a disk can be taken out: a stick, a card, a disk behind USB."""
    if optional(machine, f"{disk}/removable") == "1" or optional(machine, f"{disk}/device/type") == SD_CARD:
        return True
    # …/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0: four levels above the disk's device stands the USB interface.
    return machine.exists(f"{disk}/device/../../../bInterfaceClass")
