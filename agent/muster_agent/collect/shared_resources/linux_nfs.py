"""The folders the kernel's NFS server exports."""

from __future__ import annotations

from muster_agent.facts import SharedResource
from muster_agent.machine import Machine, NotFound
from muster_agent.system import exports


def shares(machine: Machine, running: bool) -> list[SharedResource]:
    """The exports, one row a folder: open to guests, or writable, when it is so for any client. Raises
    :class:`CannotRead`."""
    paths = [exports.PATH]
    paths += [f"{exports.FOLDER}/{n}" for n in machine.names(exports.FOLDER) if n.endswith(exports.SUFFIX)]
    paths += [exports.IN_FORCE] if running else []
    found: list[exports.Export] = []
    for path in paths:
        try:
            found += exports.parse(machine.text(path), path)
        except NotFound:
            continue
    rows = []
    for folder in sorted({export.path for export in found}):
        own = [export for export in found if export.path == folder]
        guest, writable = any(export.guest for export in own), any(export.writable for export in own)
        rows.append(SharedResource(folder, folder, "nfs", "Disk", False, guest, writable))
    return rows
