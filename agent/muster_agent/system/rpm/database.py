"""Where rpm keeps its database, and whether it is there at all."""

from __future__ import annotations

from muster_agent.machine import Machine

# The place everywhere, that of SUSE and of Fedora from 36 on, and that of systems made of an image.
PLACES = ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm")
# SQLite (rpm 4.16 and newer), ndb (SUSE), Berkeley DB (before). The folder alone proves nothing: Debian's package of
# rpm has an empty one.
FILES = ("rpmdb.sqlite", "Packages.db", "Packages")


def place(machine: Machine) -> str | None:
    """The file that holds the database, or None on a PC without one."""
    for folder in PLACES:
        for name in FILES:
            path = f"{folder}/{name}"
            if machine.exists(path):
                return path
    return None
