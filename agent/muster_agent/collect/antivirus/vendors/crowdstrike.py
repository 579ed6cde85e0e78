"""CrowdStrike Falcon: ``falconctl -g``, which answers root only. Its signatures are in the cloud: there is no date."""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told, output, version_in
from muster_agent.machine import CannotRead, Denied, Machine

ANSWERS = ("version", "realtime")
PROGRAM = "/opt/CrowdStrike/falconctl"
NAME = "falconctl -g"
# aid="44e3…", rfm-state=false, version = 7.14.16703.0 — or "aid is not set."; each may end with a full stop or comma.
NAMED = re.compile(r'\s*([A-Za-z][A-Za-z_-]{0,40})(?:\s*=\s*(?:"([^"\n]{0,400})"|([^\s,"]{1,400}))| is not set)')
BETWEEN = re.compile(r"\s*(?:[.,]\s*)?")


def settings(text: str) -> dict[str, str | None]:
    """The settings printed; None for one that is not set. Raises ``not_understood`` when any of the text is none."""
    found: dict[str, str | None] = {}
    position = 0
    while text[position:].strip():
        match = NAMED.match(text, position)
        if match is None:
            raise CannotRead("not_understood", NAME)
        value = match.group(2) if match.group(2) is not None else match.group(3)
        if match.group(3) is not None and value.endswith("."):  # the full stop of the sentence
            value = value[:-1]
        found[match.group(1).lower()] = value
        between = BETWEEN.match(text, match.end())
        position = between.end() if between else match.end()
        if position == match.end() and text[position:].strip():
            raise CannotRead("not_understood", NAME)
    if not found:
        raise CannotRead("not_understood", NAME)
    return found


def parse(text: str) -> Told:
    """In "reduced functionality mode" the kernel is unknown to the sensor and nothing is checked. Not being in it
    does not say that the policy checks files."""
    found = settings(text)
    return Told(
        version=version_in(found.get("version")),
        realtime=False if found.get("rfm-state") == "true" else None,
        basis=("asked:falconctl",),
    )


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`, as :class:`Denied` without root."""
    if not machine.privileged():
        raise Denied(PROGRAM)
    return parse(output(machine, (PROGRAM,), "-g", "--rfm-state", "--version"))
