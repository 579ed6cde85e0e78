"""The repositories a PC of the rpm family is told to use, and the packages it is told to leave alone."""

from __future__ import annotations

import contextlib
import fnmatch
import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.keyfile import Sections, parse

MAIN = ("/etc/dnf/dnf.conf", "/etc/yum.conf")  # the first that is there; on newer systems the second is a link to it
# dnf and yum read all of these, zypper its own. dnf 5 reads settings of its own over them.
FOLDERS = ("/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d")
OVERRIDES = "/etc/dnf/repos.override.d"
ZYPPER = "/etc/zypp/repos.d"
# A disc stays as it was when it was made: it offers nothing newer.
DISC = re.compile(r"^\s*(?:cd|dvd|cdrom|hd|iso):", re.IGNORECASE)
EXCLUDES = ("exclude", "excludes", "excludepkgs")
YES = frozenset({"1", "yes", "true", "on", "enabled"})
NO = frozenset({"0", "no", "false", "off", "disabled"})


def switch(value: str | None, default: bool) -> bool | None:
    """A yes or no of dnf, yum and zypper; ``default`` where nothing is said, None for a word that is neither."""
    if value is None:
        return default
    word = value.strip().lower()
    return True if word in YES else False if word in NO else None


@dataclass(frozen=True)
class Repositories:
    """What the settings say."""

    enabled: tuple[str, ...]  # ids (zypper: aliases) of the enabled ones, discs left out
    excludes: bool  # some package is held back by name
    includes: bool  # some repository is restricted to packages named


def _sections(machine: Machine, folders: tuple[str, ...], found: Sections) -> Sections:
    for folder in folders:
        for name in machine.names(folder):
            if name.endswith(".repo"):
                parse(machine.text(f"{folder}/{name}"), found)
    return found


def _of(main: dict[str, str], sections: Sections) -> Repositories:
    enabled: list[str] = []
    used = [main]
    for name, settings in sections.items():
        on = switch(settings.get("enabled"), True)
        if on is None:
            raise CannotRead("not_understood", f"[{name}] enabled={settings['enabled']}"[:120])
        if on and not DISC.match(settings.get("baseurl", "")):
            enabled.append(name)
            used.append(settings)
    return Repositories(
        tuple(sorted(enabled)),
        excludes=any(settings.get(name) for settings in used for name in EXCLUDES),
        includes=any(settings.get("includepkgs") for settings in used),
    )


def of_dnf(machine: Machine) -> Repositories:
    """The repositories of dnf and yum. Raises :class:`CannotRead` when a file of them could not be read."""
    sections: Sections = {}
    for path in MAIN:
        with contextlib.suppress(NotFound):
            sections = parse(machine.text(path))
            break
    main = sections.pop("main", {})
    _sections(machine, FOLDERS, sections)
    for pattern, settings in _sections(machine, (OVERRIDES,), {}).items():
        for name in sections:
            if fnmatch.fnmatchcase(name, pattern[:64]):
                sections[name].update(settings)
    return _of(main, sections)


def of_zypper(machine: Machine) -> Repositories:
    """The repositories of zypper."""
    return _of({}, _sections(machine, (ZYPPER,), {}))
