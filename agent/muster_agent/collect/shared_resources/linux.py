"""What a Linux PC offers to others: the shares of Samba, and the exports of the kernel's NFS server.

A share is offered when its server runs or is set to run. One that is configured on a PC without a server, or whose
server is switched off, is not.
"""

from __future__ import annotations

from muster_agent.collect.shared_resources import linux_nfs, linux_samba, linux_services
from muster_agent.collect.shared_resources.linux_services import Server
from muster_agent.facts import Problem, SharedResource, Table
from muster_agent.machine import CannotRead, Machine

SMBD = Server("smbd", ("/usr/sbin/smbd",), ("smbd", "smb", "samba", "samba-ad-dc"))
NFSD = Server(
    "nfsd",  # threads of the kernel
    ("/usr/sbin/rpc.nfsd", "/sbin/rpc.nfsd", "/usr/sbin/nfsdctl"),
    ("nfs-server", "nfs-kernel-server", "nfs"),
)
# Servers of the same protocols whose settings are not read.
OTHERS = {"ksmbd.mountd": "ksmbd", "ganesha.nfsd": "ganesha"}


def collect(machine: Machine) -> Table:
    """A row for each share."""
    listing = machine.processes()
    notes: list[Problem] = []
    rows: list[SharedResource] = []
    for server in (SMBD, NFSD):
        try:
            offered = linux_services.offered(machine, listing, server)
            if offered and server is SMBD:
                rows += linux_samba.shares(machine, notes)
            elif offered:
                rows += linux_nfs.shares(machine, linux_services.runs(listing, server))
            elif offered is None and listing.problem is not None:
                notes.append(listing.problem)
        except CannotRead as error:
            notes.append(error.problem())
    names = {process.name for process in listing.rows}
    notes += [Problem("unsupported", "server_not_built", OTHERS[name]) for name in OTHERS if name in names]
    rows.sort(key=lambda row: (row.protocol or "", row.name or ""))
    return Table(rows=tuple(rows), notes=tuple(dict.fromkeys(notes)))
