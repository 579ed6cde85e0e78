"""Whether a file service is offered: it runs, or it is installed and set to run at the next start."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import Listing, Machine
from muster_agent.system.systemd.folders import is_enabled

# The links of System V init for the levels with network; systemd reads them as well.
LEVELS = ("/etc/rc3.d", "/etc/rc5.d")
STARTED = re.compile(r"^S[0-9]{2}(.+)$")


@dataclass(frozen=True)
class Server:
    """A server of files."""

    process: str  # its name while it runs
    programs: tuple[str, ...]  # one of them is there where it is installed
    services: tuple[str, ...]  # what starts it, by the names distributions gave it


def runs(listing: Listing, server: Server) -> bool:
    """Whether it runs now."""
    return any(process.name == server.process for process in listing.rows)


def offered(machine: Machine, listing: Listing, server: Server) -> bool | None:
    """Whether it runs or is set to; None when neither can be excluded. Raises :class:`CannotRead`."""
    if runs(listing, server):
        return True
    if not any(machine.exists(program) for program in server.programs):
        return False
    if any(is_enabled(machine, f"{service}.service") for service in server.services):
        return True
    for folder in LEVELS:
        links = (STARTED.match(name) for name in machine.names(folder))
        if any(link.group(1) in server.services for link in links if link):
            return True
    return False if listing.complete else None
