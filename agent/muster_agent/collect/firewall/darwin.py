"""The application firewall of macOS (ALF): a property list until macOS 14, its own program since."""

from __future__ import annotations

import re

from muster_agent.collect.os_version import darwin as os_version
from muster_agent.collect.os_version.numbers import numbers
from muster_agent.facts import Firewall, Problem, Table
from muster_agent.machine import CannotRead, Machine, NotFound, program_failed
from muster_agent.system import plist

NAME = "Application Firewall"
SETTINGS = "/Library/Preferences/com.apple.alf.plist"
PROGRAM = ["/usr/libexec/ApplicationFirewall/socketfilterfw", "--getglobalstate"]
STATE = re.compile(r"\(State = ([0-2])\)")
OFF, BY_PROGRAM, BLOCK_ALL = 0, 1, 2  # osquery's alf.global_state


def keeps_settings(machine: Machine) -> bool:
    """Whether this macOS keeps the property list: until 14 it does. An update to 15 leaves an old one behind, which
    nothing writes to any more. Raises :class:`CannotRead`.

    10.16 is what a later system calls itself to programs built for an older one: it may be any.
    """
    major, minor, _ = numbers(plist.text(plist.read(machine, os_version.PATH), "ProductVersion") or "")
    if major is None:
        raise CannotRead("not_understood", os_version.PATH)
    return major < 15 and (major, minor) != (10, 16)


def by_settings(machine: Machine) -> int:
    """The state out of the property list. Raises :class:`NotFound` where there is none."""
    state = plist.read(machine, SETTINGS).get("globalstate")
    if isinstance(state, bool) or state not in (OFF, BY_PROGRAM, BLOCK_ALL):
        raise CannotRead("not_understood", SETTINGS)
    return int(state)


def parse(said: str) -> int:
    """The state in what the firewall's program prints. Raises ``not_understood``."""
    found = STATE.search(said)
    if found is None:
        raise CannotRead("not_understood", " ".join(PROGRAM))
    return int(found.group(1))


def by_program(machine: Machine) -> int:
    """The state as the firewall's own program tells it."""
    output = machine.run(PROGRAM)
    if output.status != 0:
        raise program_failed(PROGRAM, output.status, output.stderr)
    return parse(output.stdout.decode("utf-8", "replace"))


def collect(machine: Machine) -> Table:
    """The one row. In between, each program was allowed or refused by itself: no word for all of them is true."""
    try:
        if not keeps_settings(machine):
            raise NotFound(SETTINGS)
        state, basis = by_settings(machine), SETTINGS
    except NotFound:
        state, basis = by_program(machine), " ".join(PROGRAM)
    inbound = {OFF: "allow", BY_PROGRAM: None, BLOCK_ALL: "block"}[state]
    notes = (Problem("unsupported", "decided_by_program", NAME, "inbound"),) if inbound is None else ()
    row = Firewall(name=NAME, enabled=state != OFF, inbound=inbound, basis=basis)
    return Table(rows=(row,), notes=notes)
