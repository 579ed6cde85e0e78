"""Cortex XDR on Linux and macOS: ``cytool info``, ``cytool info query`` and ``cytool runtime query``."""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told, output, pairs, together, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "running", "signatures_version")
PROGRAMS = ("/opt/traps/bin/cytool", "/Library/Application Support/PaloAltoNetworks/Traps/bin/cytool")
SERVICE = "pmd"  # the process that the others are started by
RUNNING = {"running": True, "stopped": False}


def parse_info(text: str) -> Told:
    """``Cortex XDR (R) supervisor tool 8.2.1.120305``."""
    for line in text.splitlines():
        words = line.split()
        if line.startswith(("Cortex XDR", "Traps")) and words and re.fullmatch(r"[0-9][0-9.]{2,40}", words[-1]):
            return Told(version=version_in(words[-1]), basis=("asked:cytool",))
    raise CannotRead("not_understood", "cytool info")


def parse_content(text: str) -> Told:
    """``Content Version: 1270-120305``."""
    version = version_in(pairs(text).get("Content Version"))
    if version is None:
        raise CannotRead("not_understood", "cytool info query")
    return Told(signatures_version=version, basis=("asked:cytool",))


def parse_runtime(text: str) -> Told:
    """The table of its processes: name, pid, user, status, command. A name may hold a blank, so it is found at the
    beginning of the line and the status in the fourth column."""
    for line in text.splitlines():
        words = line.split(None, 4)
        if len(words) >= 4 and words[0] == SERVICE and words[3].lower() in RUNNING:
            return Told(running=RUNNING[words[3].lower()], basis=("asked:cytool",))
    raise CannotRead("not_understood", "cytool runtime query")


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return together(
        (lambda: parse_info(output(machine, PROGRAMS, "info")), ("version",)),
        (lambda: parse_content(output(machine, PROGRAMS, "info", "query")), ("signatures_version",)),
        (lambda: parse_runtime(output(machine, PROGRAMS, "runtime", "query")), ("running",)),
    )
