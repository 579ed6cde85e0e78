"""Pins (apt_preferences(5)): does one of them reach a package that is installed?

We do not follow pins ourselves. Where one may matter, apt is asked; the common ones do not matter, because they speak
of packages that are not installed or of a source that is not there.
"""

from __future__ import annotations

import re
from typing import AbstractSet

from muster_agent.machine import Machine, NotFound
from muster_agent.system.deb import configuration, paragraphs

FOLDER = "/etc/apt/preferences.d"
FILE = "/etc/apt/preferences"


def reaches(text: str, names: AbstractSet[str], sites: AbstractSet[str]) -> bool:
    """Whether a pin in ``text`` can change what is installed on a PC with packages ``names`` from hosts ``sites``."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        if re.search(r"\n[ \t]+\S", paragraph):
            return True  # a folded field: apt can tell what it says
        pin = paragraphs.fields(paragraph.encode())
        # A host by its plain name; apt takes a pattern too, and compares without the port.
        host = re.match(r"^origin\s+\"?([A-Za-z0-9.-]+)\"?$", pin.get("pin", ""))
        if not pin.get("package") or (host and host.group(1) not in {site.partition(":")[0] for site in sites}):
            continue
        # Anything but a plain name (*, g*ome, /regex/, src:name) may match an installed package.
        if any(not re.match(r"^[a-z0-9][a-z0-9+.-]*$", word) or word in names for word in pin["package"].split()):
            return True
    return False


def read(machine: Machine, names: AbstractSet[str], sites: AbstractSet[str]) -> str | None:
    """The file of the first pin that reaches an installed package, or None. Raises :class:`CannotRead`."""
    files = [FILE]
    files += [f"{FOLDER}/{name}" for name in machine.names(FOLDER) if configuration.is_read(name, "pref", "")]
    for path in files:
        try:
            if reaches(machine.text(path), names, sites):
                return path
        except NotFound:
            continue
    return None
