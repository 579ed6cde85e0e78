"""OpenRC, the init of Alpine and Gentoo: what rc-update and rc-status print."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead

LEVEL = re.compile(r"\s*(?:Dynamic )?Runlevel:\s*(\S+)")
STATE = re.compile(r"\s*(\S+)\s+\[\s*([^\]\s][^\]]*)\]\s*\Z")
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def rc_update(text: str) -> dict[str, tuple[str, ...]]:
    """The runlevels each service belongs to (``rc-update show -v``: also those of none). Raises :class:`CannotRead`."""
    found = {}
    for line in ESCAPE.sub("", text).split("\n"):
        name, bar, levels = line.partition("|")
        if bar and len(name.split()) == 1:
            found[name.strip()] = tuple(levels.split())
        elif line.strip():
            raise CannotRead("not_understood", f"rc-update: {line.strip()[:80]}")
    if not found:  # every system has some
        raise CannotRead("not_understood", "rc-update")
    return found


def rc_status(text: str) -> dict[str, str]:
    """The state of each service, e.g. started, stopped, crashed (``rc-status --all``). Raises :class:`CannotRead`."""
    found = {}
    for line in ESCAPE.sub("", text).replace("\r", "").split("\n"):
        state = STATE.match(line)
        if state:
            found[state.group(1)] = state.group(2).split()[0]
        elif line.strip() and not LEVEL.match(line) and not line.strip().startswith("*"):
            raise CannotRead("not_understood", f"rc-status: {line.strip()[:80]}")
    if not found:
        raise CannotRead("not_understood", "rc-status")
    return found


def is_running(state: str) -> bool | None:
    """Whether a service in ``state`` runs; None while it is on its way up or down or waits for something."""
    if state == "started":
        return True
    return False if state in ("stopped", "crashed", "failed") else None
