"""深信服 EDR (aES) on Linux: its version stands in its settings, and a mark in /run says that it was switched off."""

from __future__ import annotations

import re

from muster_agent.collect.antivirus.vendors import Told
from muster_agent.machine import CannotRead, Machine, NotFound

ANSWERS = ("version", "realtime")
SETTINGS = ("/sangfor/edr/agent/config/agent_cfg.json", "/sf/edr/agent/config/agent_cfg.json")
FORBIDDEN = "/run/edr_forbidden"
# The maker's own script takes the first thing of this form; an address of the network has a number more.
VERSION = re.compile(r"(?<![0-9.])[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?!\.?[0-9])")
LIMIT = 1024 * 1024


def parse(data: bytes) -> str:
    """The version in its settings."""
    found = VERSION.search(data.decode("utf-8", "replace"))
    if found is None:
        raise CannotRead("not_understood", SETTINGS[0])
    return found.group()


def ask(machine: Machine) -> Told:
    """Read them. Raises :class:`CannotRead`."""
    off = machine.exists(FORBIDDEN)
    realtime, basis = (False, ("path:" + FORBIDDEN,)) if off else (None, ())
    for path in SETTINGS:
        try:
            return Told(version=parse(machine.read(path, LIMIT)), realtime=realtime, basis=(*basis, "settings:" + path))
        except NotFound:
            continue
        except CannotRead as error:
            return Told(realtime=realtime, basis=basis, notes=(error.problem("version"),))
    return Told(realtime=realtime, basis=basis, notes=(NotFound(SETTINGS[0]).problem("version"),))
