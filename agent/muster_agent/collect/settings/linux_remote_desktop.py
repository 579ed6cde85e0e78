"""Remote Desktop of Linux: xrdp. Other programs of that kind stand in the table remote_access."""

from __future__ import annotations

import re

from muster_agent.collect.settings.linux_service import set_to_run
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import keyfile

PROGRAM = "/usr/sbin/xrdp"
FILE = "/etc/xrdp/xrdp.ini"


def rdp(machine: Machine) -> tuple[bool]:
    """Whether xrdp is installed and set to run."""
    return (machine.exists(PROGRAM) and set_to_run(machine, ("xrdp",), "xrdp"),)


def nla(machine: Machine) -> tuple[bool | None]:
    """xrdp has no NLA: whoever connects sees its login screen. Null without xrdp."""
    return (False if machine.exists(PROGRAM) else None,)


def port(machine: Machine) -> tuple[int | None]:
    """Its port; null without xrdp, or when it listens on a socket of the file system only."""
    if not machine.exists(PROGRAM):
        return (None,)
    said = {name.lower(): values for name, values in keyfile.parse(machine.text(FILE)).items()}.get("globals", {})
    words = said.get("port", "3389").split()
    numbers = [re.search(r"(?:\A|:)([0-9]{1,5})\Z", word) for word in words if not word.startswith(("unix:", "vsock:"))]
    if any(number is None for number in numbers):
        raise CannotRead("not_understood", f"{FILE}: port={' '.join(words)}"[:200])
    return (next((int(number.group(1)) for number in numbers if number), None),)
