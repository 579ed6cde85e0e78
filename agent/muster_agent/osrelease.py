"""What a Linux distribution says of itself: os-release(5)."""

from __future__ import annotations

import shlex

from muster_agent.machine import Machine, NotFound

PLACES = ("/etc/os-release", "/usr/lib/os-release")


def parse(text: str) -> dict[str, str]:
    """The assignments of an os-release file, unquoted as a shell would; a line a shell would refuse stays as it is."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            continue
        try:
            found[name] = "".join(shlex.split(value))
        except ValueError:
            found[name] = value
    return found


def read(machine: Machine) -> dict[str, str]:
    """The os-release of ``machine``. Raises :class:`NotFound` where there is none."""
    for path in PLACES:
        try:
            return parse(machine.text(path))
        except NotFound:
            continue
    raise NotFound(PLACES[0])


def family(machine: Machine) -> tuple[str, ...]:
    """The distribution's ID and those it says it is like, e.g. ("linuxmint", "ubuntu", "debian"); lower case."""
    found = read(machine)
    return tuple(f"{found.get('ID', '')} {found.get('ID_LIKE', '')}".lower().split())
