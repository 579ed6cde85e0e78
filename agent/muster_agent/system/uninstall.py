"""Windows's uninstall entries: where they stand, and what one says."""

from __future__ import annotations

import re
from typing import Iterator

from muster_agent.facts import Package
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.registry_key import RegistryKey, optional

FOLDER = r"Microsoft\Windows\CurrentVersion\Uninstall"
VIEWS = (FOLDER, "WOW6432Node\\" + FOLDER)  # what 64-bit and 32-bit installers wrote
OWN = rf"HKLM\SOFTWARE\{FOLDER}"  # every Windows has it
PROFILES = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
# A person's account, of this PC or a domain, or of Microsoft's cloud directory ([MS-DTYP], well-known SIDs).
PERSON = re.compile(r"^S-1-(?:5-21|12-1)(?:-[0-9]{1,10}){4}$")
# What ReleaseType calls an update of another program.
UPDATES = frozenset({"hotfix", "security update", "update rollup", "service pack", "update", "critical update"})
KB = re.compile(r"(?<![0-9A-Za-z])KB[0-9]{6,8}(?![0-9])", re.IGNORECASE)
# Some installers write a NUL or a line end into a value; what follows is what lay in their memory.
LINE = re.compile(r"[^\x00-\x1f]*")
LONGEST = 500  # characters of a name; some entries hold a licence text


def places(hives: list[str]) -> list[str]:
    """The keys that may hold entries: the PC's own, and those of the users whose hives are loaded."""
    users = [hive for hive in hives if hive.startswith("S-1-") and not hive.endswith("_Classes")]
    return [rf"HKLM\SOFTWARE\{view}" for view in VIEWS] + [
        rf"HKU\{user}\Software\{view}" for user in users for view in VIEWS
    ]


def absent(machine: Machine, hives: list[str]) -> Iterator[str]:
    """The SIDs of people who have a profile on this PC that is not loaded: their own programs cannot be seen."""
    for sid in machine.subkeys(PROFILES):
        if not PERSON.match(sid) or sid in hives:
            continue
        folder = optional(machine, f"{PROFILES}\\{sid}").text("ProfileImagePath")
        try:
            # An entry is left behind when the folder was deleted by hand.
            if folder and "%" not in folder and not machine.exists(folder + r"\NTUSER.DAT"):
                continue
        except CannotRead:
            pass  # it is there, or that cannot be told
        yield sid


def first_line(text: str | None) -> str | None:
    """The text up to the first control character, without blanks around it, cut to a length."""
    found = LINE.match(text or "")
    return found.group().strip()[:LONGEST] or None if found else None


def package(key: RegistryKey) -> Package | None:
    """The program an entry is of; None for one without a name, which Windows does not show either, and for an update
    of another program. Raises ``not_understood``.

    An entry hidden as SystemComponent is a program: it is installed, and osquery and the GLPI agent list it.
    """
    name = first_line(key.text("DisplayName"))
    if name is None or (key.text("ReleaseType") or "").lower() in UPDATES:
        return None
    if key.text("ParentKeyName") and KB.search(f"{name} {key.path}"):
        return None
    return Package(name=name, version=first_line(key.text("DisplayVersion")), type="program")
