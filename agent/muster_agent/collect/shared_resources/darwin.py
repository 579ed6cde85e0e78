"""What a Mac shares: its share points (sharing(1)), while file sharing is switched on."""

from __future__ import annotations

import re

from muster_agent.facts import Problem, SharedResource, Table
from muster_agent.machine import CannotRead, Machine, program_failed
from muster_agent.system.launchd import launchctl

SHARING = ["/usr/sbin/sharing", "-l"]
SMB = "com.apple.smbd"
FIELD = re.compile(r"(?P<name>[a-z -]+):\s*(?P<value>.*)", re.IGNORECASE)


def parse(said: str) -> list[SharedResource]:
    """The share points that are offered by SMB. Raises ``not_understood``."""
    rows: list[SharedResource] = []
    if "List of Share Points" not in said and said.strip():
        raise CannotRead("not_understood", "sharing -l")
    name = path = ""
    protocol: dict[str, str] | None = None
    for line in said.split("\n"):
        if protocol is not None and line.strip() == "}":
            if protocol.get("shared") == "1" and protocol.get("kind") == "smb":
                guest = protocol.get("guest access")
                read_only = protocol.get("read-only")
                rows.append(
                    SharedResource(
                        name=protocol.get("name") or name,
                        path=path or None,
                        protocol="smb",
                        type_name="Disk",
                        administrative=False,
                        guest=None if guest is None else guest == "1",
                        writable=None if read_only is None else read_only == "0",
                    )
                )
            protocol = None
            continue
        found = FIELD.match(line.strip())
        if found is None:
            continue
        key, value = found.group("name").strip().lower(), found.group("value")
        if value == "{":
            protocol = {"kind": key}
        elif protocol is not None:
            protocol[key] = value
        elif key == "name":
            name, path = value, ""
        elif key == "path":
            path = value
    return rows


def collect(machine: Machine) -> Table:
    """The shares. A share point of a Mac whose file sharing is off is offered to nobody."""
    notes: list[Problem] = []
    try:
        if machine.once(launchctl.disabled).get(SMB, True):
            return Table(rows=())
    except CannotRead as error:
        notes.append(error.problem())
    output = machine.run(SHARING)
    if output.status != 0:
        raise program_failed(SHARING, output.status, output.stderr)
    return Table(rows=tuple(parse(output.stdout.decode("utf-8", "replace"))), notes=tuple(notes))
