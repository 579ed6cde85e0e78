"""Whether an unattended screen locks itself: what the administrator laid down for all users of a desktop.

Each user's own choice stands in a database of the desktop; only what dconf locks cannot be changed there. So only
locked settings of GNOME, whose meaning is documented, are an answer; of any other desktop the answer is unknown.
"""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import keyfile

SESSIONS = ("/usr/share/xsessions", "/usr/share/wayland-sessions")
DATABASES = "/etc/dconf/db"
GNOME = re.compile(r"(?:gnome|ubuntu|gnome-.*|ubuntu-.*)\.desktop\Z")
ANY_DESKTOP = "lightdm-xsession.desktop"  # Debian's: it starts whatever the user prefers
ENABLED, DELAY = "/org/gnome/desktop/screensaver/lock-enabled", "/org/gnome/desktop/screensaver/lock-delay"
IDLE = "/org/gnome/desktop/session/idle-delay"
VALUE = re.compile(r"(?:uint32 |int32 )?([0-9]{1,9})\Z")


def _locked(machine: Machine) -> dict[str, str]:
    """The settings that no user can change. Those laid down after the database was made do not count yet."""
    found: dict[str, str] = {}
    for folder in machine.names(DATABASES):
        path = f"{DATABASES}/{folder}"
        if not folder.endswith(".d"):
            continue
        try:
            made = machine.stat(path[:-2]).mtime
        except NotFound:
            continue
        values: dict[str, str] = {}
        for name in machine.listdir(path):
            if name != "locks" and machine.stat(f"{path}/{name}").mtime <= made:
                for section, settings in keyfile.parse(machine.text(f"{path}/{name}")).items():
                    values.update({f"/{section}/{key}": value for key, value in settings.items()})
        for name in machine.names(f"{path}/locks"):
            if machine.stat(f"{path}/locks/{name}").mtime <= made:
                locks = {line.strip() for line in machine.text(f"{path}/locks/{name}").split("\n")}
                found.update({key: value for key, value in values.items() if key in locks})
    return found


def screen_lock(machine: Machine) -> tuple[bool | None, int | None]:
    """(whether every screen locks itself, seconds until it does); both null on a PC without a desktop."""
    sessions = {name for folder in SESSIONS for name in machine.names(folder) if name.endswith(".desktop")}
    if not sessions:
        return None, None
    unknown = CannotRead("screen_lock_per_user", ", ".join(sorted(sessions))[:200], "unsupported")
    if not all(GNOME.match(name) or name == ANY_DESKTOP for name in sessions) or sessions == {ANY_DESKTOP}:
        raise unknown
    locked = _locked(machine)
    idle, delay = VALUE.match(locked.get(IDLE, "")), VALUE.match(locked.get(DELAY, ""))
    if locked.get(ENABLED) == "false" or (idle and int(idle.group(1)) == 0):
        return False, None
    if locked.get(ENABLED) == "true" and idle and delay:
        return True, int(idle.group(1)) + int(delay.group(1))
    raise unknown
