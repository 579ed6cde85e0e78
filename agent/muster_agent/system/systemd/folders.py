"""The folders systemd takes its units from (systemd.unit(5)): which service units there are, and which are enabled.

Nothing is asked of systemd itself: what it would say of unit files stands in these folders, and anybody may read them.
"""

from __future__ import annotations

import re
from dataclasses import field

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.systemd import unit as units
from muster_agent.system.systemd.unit import Unit

BOOTED = "/run/systemd/system"  # sd_booted(3): it is there when systemd started the system
# In order of precedence: a unit in an earlier folder hides one of the same name in a later.
FOLDERS = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",  # the same as the one before where /lib is a link to it
    "/run/systemd/generator.late",
)
# No part of an ordinary start: what a package hangs on units of these names under /usr is not enabled by that.
NOT_AT_START = re.compile(
    r"(?:initrd|emergency|rescue|system-update|factory-reset|shutdown|final|umount|exit|halt|poweroff|reboot|kexec|"
    r"soft-reboot|sleep|(?:systemd-)?(?:suspend|hibernate|hybrid-sleep))"
)
SET_BY_HAND = ("/etc/", "/run/")  # an alias here was made by enabling its unit; one under /usr came with the package
WANTED = (".wants", ".requires", ".upholds")
ENDING = ".service"


@dataclass
class Folders:
    """What stands in the folders of units. ``kind`` is the ending of the units' names, with its dot."""

    machine: Machine
    kind: str = ENDING
    files: dict[str, str] = field(default_factory=dict)  # name of a unit -> the file in force
    masked: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)  # of these nobody can tell whether they are masked
    aliases: dict[str, str] = field(default_factory=dict)  # name that is a link -> name of the unit it leads to
    links: dict[str, str] = field(default_factory=dict)  # name that is a link -> the link
    wanted: set[str] = field(default_factory=set)  # started with another unit, as a rule a target
    drop_ins: dict[str, dict[str, str]] = field(default_factory=dict)  # name of a unit -> name of a drop-in -> file

    @classmethod
    def read(cls, machine: Machine, kind: str = ENDING) -> Folders:
        """Read them all. Raises :class:`CannotRead` when one may not be read."""
        folders = cls(machine, kind)
        seen: list[list[str]] = []
        for folder in FOLDERS:
            names = machine.names(folder)
            if folder == "/lib/systemd/system" and names in seen:
                continue  # the same folder by its other name
            seen.append(names)
            for name in names:
                folders._take(folder, name)
        for alias in [alias for alias, target in folders.aliases.items() if target not in folders.files]:
            del folders.aliases[alias]  # a link to a file elsewhere, e.g. under /opt: a unit of its own
            folders.files[alias] = folders.links[alias]
        return folders

    def _take(self, folder: str, name: str) -> None:
        path = f"{folder}/{name}"
        if name.endswith(WANTED):
            if not folder.startswith(SET_BY_HAND) and NOT_AT_START.match(name):
                return
            self.wanted.update(entry for entry in self.machine.names(path) if entry.endswith(self.kind))
        elif name.endswith(".d") and (name[:-2].endswith(self.kind) or name[:-2] == self.kind[1:]):
            for entry in self.machine.names(path):
                if entry.endswith(".conf"):
                    self.drop_ins.setdefault(name[:-2], {}).setdefault(entry, f"{path}/{entry}")
        elif name.endswith(self.kind) and name not in self.files and name not in self.aliases and name != self.kind:
            target = self._target(path)
            if target is not None and target.rpartition("/")[2] not in (name, "null"):
                self.aliases[name] = target.rpartition("/")[2]
                self.links[name] = path
                if folder.startswith(SET_BY_HAND) and not name.startswith("dbus-"):
                    self.wanted.add(self.aliases[name])  # "Alias=": enabled, as a display manager is
                return
            self.files[name] = path
            if target is not None and target.endswith("/null"):
                self.masked.add(name)

    def _target(self, path: str) -> str | None:
        try:
            return self.machine.readlink(path)
        except CannotRead as error:
            if error.code == "not_a_link":
                return None
            raise

    def names(self) -> list[str]:
        """The services there are: units, and instances of templates that something starts. No templates, no aliases."""
        instances = {
            name for name in self.wanted if "@" in name and name not in self.files and self.template(name) in self.files
        }
        return sorted({name for name in self.files if "@." not in name} | instances)

    def template(self, name: str) -> str:
        """The file name an instance is made from: getty@tty1.service is made from getty@.service."""
        prefix, at, _ = name.partition("@")
        return f"{prefix}@{self.kind}" if at else name

    def enabled(self, name: str) -> bool:
        """Whether ``name``, or another name of it, is started with another unit."""
        return name in self.wanted or any(
            self.aliases[alias] == name and alias in self.wanted for alias in self.aliases
        )

    def unit(self, name: str) -> Unit:
        """The settings of a unit with its drop-ins. Raises :class:`CannotRead`."""
        file = self.files.get(name) or self.files.get(self.template(name))
        if file is None:
            raise NotFound(name)
        try:
            text = self.machine.text(file)
        except CannotRead:
            self._look_at_size(name, file)
            raise
        if not text:  # systemd.unit(5): an empty file masks as a link to /dev/null does
            self.masked.add(name)
        unit = units.parse(text)
        changes: dict[str, str] = {}
        for place in (name, self.template(name), self.kind[1:]):  # the more special one wins
            for entry, path in self.drop_ins.get(place, {}).items():
                changes.setdefault(entry, path)
        for entry in sorted(changes):
            try:
                units.parse(self.machine.text(changes[entry]), unit)
            except CannotRead as error:
                if error.code != "not_regular_file":  # a link to /dev/null takes a drop-in back
                    raise
        return unit

    def _look_at_size(self, name: str, file: str) -> None:
        """Whether a file that may not be read is empty, which masks its unit: its size is shown to more users."""
        try:
            if self.machine.stat(file).size == 0:
                self.masked.add(name)
        except CannotRead:
            self.unread.add(name)


def is_enabled(machine: Machine, name: str) -> bool:
    """Whether one unit, with its ending, is started with another and not masked: the folders are looked through for it
    alone. Raises :class:`CannotRead`."""
    wanted = there = False
    for folder in FOLDERS:
        names = machine.names(folder)
        if name in names and not there:
            there = True
            try:
                if machine.readlink(f"{folder}/{name}") == "/dev/null":
                    return False
            except CannotRead as error:
                if error.code != "not_a_link":
                    raise
        wanted |= any(name in machine.names(f"{folder}/{entry}") for entry in names if entry.endswith(WANTED))
    return there and wanted
