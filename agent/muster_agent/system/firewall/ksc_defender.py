"""银河麒麟 security centre: what ``ksc-defender --firewall --status`` prints of its firewall."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead

PROGRAM = "/usr/sbin/ksc-defender"
ARGUMENTS = ("--firewall", "--status")
STATE = re.compile(r"^[ \t]*firewall:[ \t]*(on|off)[ \t]*$", re.MULTILINE)
POLICY = re.compile(r"^[ \t]*policy:[ \t]*(public|work|custom)[ \t]*$", re.MULTILINE)


def status(text: str) -> tuple[bool, str | None]:
    """(whether it is on, its policy). Raises :class:`CannotRead`."""
    found = STATE.search(text)
    if found is None:
        raise CannotRead("not_understood", f"ksc-defender: {text.strip()[:80]}")
    policy = POLICY.search(text)
    on = found.group(1) == "on"
    return on, policy.group(1) if policy and on else None
