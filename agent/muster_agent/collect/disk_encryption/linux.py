"""Whether the volumes of a Linux PC's fixed disks are encrypted: what is mounted, and what the device mapper did below.

Encrypted homes (eCryptfs, fscrypt) are folders: the volume they lie on is not encrypted by them. A disk that encrypts
itself (OPAL) shows nothing of that to the system.
"""

from __future__ import annotations

from muster_agent.collect.disk_encryption import linux_blocks, linux_mounts, linux_volumes
from muster_agent.collect.disk_encryption.linux_blocks import Encryption
from muster_agent.collect.disk_encryption.linux_volumes import Volume
from muster_agent.facts import DiskEncryption, Problem, Table
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import container, luks, programs

STATUS = {True: "encrypted", False: "not encrypted", None: "undefined"}
NO_HEADER = "not a valid LUKS device"  # cryptsetup's word for it
IN_CHANGE = ("encrypting", "decrypting")


def confirmed(machine: Machine, found: Encryption, notes: list[Problem]) -> tuple[bool | None, str]:
    """(encrypted, encryption_status), by the LUKS headers where root may read them: a volume may be on its way to
    being encrypted, or carry the form of LUKS and no cipher."""
    if machine.privileged() and found.layers and all(kind.startswith("LUKS") for kind in found.kinds):
        for layer in found.layers:
            for part in linux_blocks.below(machine, layer):
                try:
                    header = luks.parse(programs.text(machine, "cryptsetup", "luksDump", f"/dev/{part}"))
                except NotFound:
                    continue  # no cryptsetup here; the device mapper has told
                except CannotRead as error:
                    notes.append(error.problem("encryption_status"))
                    if NO_HEADER not in error.detail:  # else it is kept elsewhere
                        notes.append(error.problem("encrypted"))
                        return None, STATUS[None]
                    continue
                if header.change in IN_CHANGE:
                    return False, str(header.change)
                if not header.encrypted:
                    return False, STATUS[False]
    return found.encrypted, STATUS[found.encrypted]


def row_of(machine: Machine, volume: Volume, notes: list[Problem]) -> DiskEncryption:
    """The row of one volume."""
    if volume.why is not None:
        found = Encryption(None, why=volume.why)
    else:
        found = linux_blocks.all_of([linux_blocks.encryption(machine, name) for name in volume.devices])
    encrypted, status = confirmed(machine, found, notes)
    if found.why is not None and encrypted is None:
        notes.append(found.why.problem("encrypted"))
    return DiskEncryption(
        name=" ".join(linux_blocks.named(machine, name) for name in volume.devices) or volume.label,
        mount=volume.point,
        system=volume.system,
        encrypted=encrypted,
        type="+".join(found.kinds) if encrypted else None,
        encryption_status=status,
    )


def collect(machine: Machine) -> Table:
    """A row for every mounted volume of a fixed disk; /boot and EFI's are volumes of their own."""
    if container.inside(machine):
        raise CannotRead("container", "/", "unsupported")
    volumes = linux_volumes.of(machine, linux_mounts.parse(machine.text(linux_mounts.PATH)))
    notes: list[Problem] = []
    rows = [row_of(machine, volume, notes) for volume in volumes]
    rows.sort(key=lambda row: (row.mount or "", row.name or ""))
    return Table(rows=tuple(rows), notes=tuple(dict.fromkeys(notes)))
