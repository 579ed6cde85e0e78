"""SentinelOne on Linux: ``sentinelctl version``, ``engines status`` and ``control status``."""

from __future__ import annotations

from muster_agent.collect.antivirus.vendors import Told, output, together, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "running", "realtime", "signatures_version")
PROGRAMS = ("/opt/sentinelone/bin/sentinelctl",)
SWITCH = {"enabled": True, "disabled": False}


def facts(text: str) -> dict[str, str]:
    """Names and values of what it printed: ``Agent version: 30.1.1.10``, or two columns with blanks between them."""
    found: dict[str, str] = {}
    for line in text.expandtabs(8).splitlines():
        name, _, value = min(
            line.strip().partition(": "), line.strip().partition("  "), key=lambda parts: len(parts[0])
        )
        if name and value.strip():
            found.setdefault(name, value.strip())
    return found


def parse(text: str) -> Told:
    """What it says of itself, of one of the three questions or of all. The engine that looks into files as they are
    written and started is the DFI engine; its library is what signatures are elsewhere."""
    found = facts(text)
    state = SWITCH.get(found.get("Agent state", "").lower())
    engine = SWITCH.get(found.get("DFI engine", "").lower())
    told = Told(
        version=version_in(found.get("Agent version")),
        running=state,
        realtime=False if state is False else engine,
        signatures_version=version_in(found.get("DFI library version")),
        basis=("asked:sentinelctl",),
    )
    if (told.version, state, engine, told.signatures_version) == (None, None, None, None):
        raise CannotRead("not_understood", "sentinelctl")
    return told


def ask(machine: Machine) -> Told:
    """Ask it three times: no question answers all. Raises :class:`CannotRead`."""

    def said(*arguments: str) -> Told:
        return parse(output(machine, PROGRAMS, *arguments))

    told = together(
        (lambda: said("version"), ("version",)),
        (lambda: said("engines", "status"), ("realtime", "signatures_version")),
        (lambda: said("control", "status"), ("running",)),
    )
    if told.running is False and told.realtime:
        return Told(told.version, False, False, told.signatures_version, basis=told.basis, notes=told.notes)
    return told
