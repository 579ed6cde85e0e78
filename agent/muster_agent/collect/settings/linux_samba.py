"""Whether this PC offers files by SMB version 1: Samba's ``server min protocol``, or what it takes for granted."""

from __future__ import annotations

import re

from muster_agent.collect.settings.linux_service import set_to_run
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import programs

PROGRAM = "/usr/sbin/smbd"
FILE = "/etc/samba/smb.conf"
NAMES = ("serverminprotocol", "minprotocol")  # Samba takes the blanks out of the names of its settings
OLD = {"core", "coreplus", "lanman1", "lanman2", "nt1"}
VERSION = re.compile(r"Version ([0-9]{1,3})\.([0-9]{1,3})")
WITHOUT_SINCE = (4, 11)  # since then the default is SMB2_02


def server(machine: Machine) -> tuple[bool]:
    """Whether Samba is installed, set to run, and speaks version 1."""
    if not machine.exists(PROGRAM) or not set_to_run(machine, ("smbd", "smb"), "smbd"):
        return (False,)
    try:
        protocol = _min_protocol(machine.text(FILE))
    except NotFound:
        protocol = None
    if protocol is None or protocol == "default":
        said = VERSION.search(programs.text(machine, "smbd", "--version"))
        if not said:
            raise CannotRead("not_understood", "smbd --version")
        return ((int(said.group(1)), int(said.group(2))) < WITHOUT_SINCE,)
    return (protocol in OLD,)


def _min_protocol(text: str) -> str | None:
    """The value of the setting in the text of an smb.conf, lower case. Raises :class:`CannotRead` where another file
    or the registry may hold it."""
    found, section = None, "global"
    for line in re.sub(r"\\\r?\n", " ", text).split("\n"):
        said = line.strip()
        if said.startswith("["):
            section = said.strip("[]").strip().lower()
        name, equals, value = said.partition("=")
        key = re.sub(r"\s", "", name).lower()
        if not equals or said.startswith(("#", ";")) or section != "global":
            continue
        if key in ("include", "configbackend", "configfile"):
            raise CannotRead("smb_conf_elsewhere", said[:100], "unsupported")
        if key in NAMES:
            found = value.strip().lower()
    return found
