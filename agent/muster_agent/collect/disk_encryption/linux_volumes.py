"""The volumes behind what is mounted: each with its block devices, wherever and however often it is mounted."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Dict

from muster_agent.collect.disk_encryption import linux_blocks, linux_mounts
from muster_agent.collect.disk_encryption.linux_mounts import Mount
from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine

DEVICES, BTRFS = "/sys/dev/block", "/sys/fs/btrfs"
NAME = re.compile(r"^DEVNAME=(\S+)$", re.MULTILINE)
# No device of a disk: files, memory, discs, floppies, the network.
NO_DISK = re.compile(r"^(?:loop|ram|zram|sr|fd|nbd|rbd)[0-9]")
# File systems over several disks that encrypt by themselves; whether they do is not read yet.
ENCRYPTS_ITSELF = ("zfs", "bcachefs")


@dataclass
class Volume:
    """A file system on the disks of this PC."""

    devices: tuple[str, ...]  # the kernel's names
    label: str = ""  # what to call it when there is no device to name
    mounts: list[Mount] = field(default_factory=list)
    system: bool = False
    why: CannotRead | None = None  # why its devices, or what encrypts it, cannot be told

    @property
    def point(self) -> str:
        """Where it is mounted: / if there, else as a whole rather than a part of it, the shortest place first."""
        best = min(
            self.mounts, key=lambda mount: (mount.point != "/", mount.root != "/", len(mount.point), mount.point)
        )
        return best.point


Volumes = Dict[str, Volume]  # by what makes it one


def _device(machine: Machine, mount: Mount) -> Volume:
    try:
        found = NAME.search(machine.text(f"{DEVICES}/{mount.device}/uevent", 4096))
    except CannotRead as error:
        return Volume((), mount.source, why=error)
    if found is None:
        return Volume((), mount.source, why=CannotRead("not_understood", f"{DEVICES}/{mount.device}/uevent"))
    return Volume((found.group(1).replace("/", "!"),))


def _btrfs(machine: Machine, mount: Mount) -> Volume:
    """btrfs may lie on several devices, and its mounts have no number of theirs."""
    name = mount.source.rpartition("/dev/")[2]
    if name.startswith("mapper/"):
        mapped = (entry for entry in machine.names(linux_blocks.FOLDER) if entry.startswith("dm-"))
        wanted = name[len("mapper/") :]
        name = next(
            (
                entry
                for entry in mapped
                if linux_blocks.optional(machine, f"{linux_blocks.FOLDER}/{entry}/dm/name") == wanted
            ),
            name,
        )
    for uuid in machine.names(BTRFS):
        devices = machine.names(f"{BTRFS}/{uuid}/devices")
        if name in devices:
            return Volume(tuple(devices))
    return Volume((), mount.source, why=CannotRead("not_understood", f"btrfs {mount.source}"))


def _of(machine: Machine, mount: Mount) -> Volume | None:
    if not mount.device.startswith("0:"):
        return _device(machine, mount)
    if mount.kind == "btrfs":
        return _btrfs(machine, mount)
    if mount.kind in ENCRYPTS_ITSELF:
        pool = mount.source.partition("/" if mount.kind == "zfs" else "\n")[0]
        return Volume((), pool, why=CannotRead("encryption_not_built", mount.kind, "unsupported"))
    return None


def _root(mounts: list[Mount], found: Volumes, homes: dict[str, str]) -> None:
    """Mark the volumes that hold /: that of its mount, or those of the folders an overlay there consists of."""
    asked = [mount for mount in mounts if mount.point == "/"]
    for mount in asked:  # grows while it is walked: an overlay's folder may lie in another overlay
        key = homes.get(mount.point)
        if key is not None:
            # Of a live system the folders lie in a file, and that on a disc: no disk of this PC.
            found[key].system = not any(NO_DISK.match(name) for name in found[key].devices)
            continue
        below = (linux_mounts.holding(mounts, path) for path in linux_mounts.layers(mount))
        asked += [layer for layer in below if layer is not None and layer not in asked]
    if not any(volume.system for volume in found.values()):
        top = asked[0] if asked else Mount("0:0", "/", "/", "", "/", "")
        why = CannotRead("system_not_on_disk", f"{top.kind} {top.source}".strip(), "unsupported")
        found["/"] = Volume((), top.source, [top], True, why)


def of(machine: Machine, mounts: list[Mount]) -> list[Volume]:
    """The volumes of what is mounted, one of them at least the system's. Raises :class:`CannotRead`."""
    found: Volumes = {}
    homes: dict[str, str] = {}
    for mount in mounts:
        volume = _of(machine, mount)
        if volume is None:
            continue
        key = " ".join(volume.devices) or f"{mount.kind} {volume.label}"
        found.setdefault(key, volume).mounts.append(mount)
        homes[mount.point] = key
    _root(mounts, found, homes)
    return [volume for volume in found.values() if volume.system or _stays(machine, volume)]


def _stays(machine: Machine, volume: Volume) -> bool:
    """Whether it is one of a fixed disk. One whose devices cannot be told may be."""
    if any(NO_DISK.match(name) for name in volume.devices):
        return False
    disks = sorted({disk for name in volume.devices for disk in linux_blocks.disks(machine, name)})
    return not disks or not all(linux_blocks.goes_away(machine, disk) for disk in disks)
