"""Protection products the catalogue does not know, by what they call themselves in the menu of a Chinese desktop.

The package names of several products for 银河麒麟 and 统信 UOS are published nowhere (endpoints.md §8). Their entry in
the menu shows that something is there: a row without id and type, and a note that asks to extend the catalogue.
"""

from __future__ import annotations

import re
from typing import Iterator

from muster_agent.dataclass import dataclass
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, NotFound

FOLDER = "/usr/share/applications"
STORE = "/opt/apps"  # of UOS and Kylin: <id>/entries/applications
ENDING = ".desktop"
WORDS = re.compile("杀毒|防病毒|终端安全|安全卫士|安全管理")
LIMIT = 256 * 1024  # bytes; an entry in every language has a tenth
GROUP = "[Desktop Entry]"
NAMES = ("Name[zh_CN]", "Name[zh]", "Name")
LONGEST = 200  # characters of a name


@dataclass(frozen=True)
class Entry:
    """One entry of the menu that speaks of protection."""

    file: str
    name: str
    program: str | None  # the first word of Exec


def parse(data: bytes, file: str) -> Entry | None:
    """The entry in the bytes of a .desktop file; None when its Chinese name does not speak of protection."""
    values: dict[str, str] = {}
    inside = False
    for line in data.decode("utf-8", "replace").splitlines():
        line = line.strip()
        if line.startswith("["):
            inside = line == GROUP
        elif inside and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            values.setdefault(key.strip(), value.strip())
    name = next((values[key] for key in NAMES if WORDS.search(values.get(key, ""))), None)
    if name is None:
        return None
    words = values.get("Exec", "").split()
    return Entry(file, name[:LONGEST], words[0].strip('"') if words else None)


def files(machine: Machine, notes: list[Problem]) -> Iterator[str]:
    """The .desktop files there are, the menu's own and those of the store's programs."""
    folders = [FOLDER]
    try:
        folders += [f"{STORE}/{name}/entries/applications" for name in machine.names(STORE)]
    except CannotRead as error:
        notes.append(error.problem())
    for folder in folders:
        try:
            names = machine.names(folder)
        except CannotRead as error:
            notes.append(error.problem())
            continue
        yield from (f"{folder}/{name}" for name in names if name.endswith(ENDING))


def entries(machine: Machine) -> tuple[list[Entry], list[Problem]]:
    """The entries that speak of protection, and what could not be read."""
    notes: list[Problem] = []
    found = []
    for file in files(machine, notes):
        try:
            entry = parse(machine.read(file, LIMIT), file)
        except NotFound:
            continue  # a link that leads nowhere: its program was removed
        except CannotRead as error:
            notes.append(error.problem())
            continue
        if entry is not None:
            found.append(entry)
    return found, notes
