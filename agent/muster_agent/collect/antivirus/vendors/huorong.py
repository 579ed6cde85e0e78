"""火绒 on Linux: its signatures are three files, and the newest of them says when they were last renewed.

An estimate: the file's own time, not one the maker wrote into it.
"""

from __future__ import annotations

from muster_agent.collect.antivirus.vendors import Told
from muster_agent.machine import Machine, NotFound
from muster_agent.system.filetime import moment_of_seconds

ANSWERS = ("signatures_date",)
FOLDER = "/opt/apps/cn.huorong.esm/files/share/xsse"
FILES = ("libvxf.vdl", "libvxf.vds", "libvxf.dat")


def newest(machine: Machine, paths: tuple[str, ...]) -> Told:
    """The newest time of those of ``paths`` that are there. Raises :class:`CannotRead` when none is."""
    times: dict[str, int] = {}
    for path in paths:
        try:
            times[path] = machine.stat(path).mtime
        except NotFound:
            continue
    if not times:
        raise NotFound(paths[0])
    path = max(sorted(times), key=lambda name: times[name])
    return Told(signatures_date=moment_of_seconds(times[path], path), basis=(f"estimated:{path}",))


def ask(machine: Machine) -> Told:
    """Look at them. Raises :class:`CannotRead`."""
    return newest(machine, tuple(f"{FOLDER}/{name}" for name in FILES))
