"""smb.conf(5): the shares Samba offers, with the defaults its global section gives them."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Callable, Dict, Optional

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

PATH = "/etc/samba/smb.conf"
DEEPEST = 16  # files that include files
MOST = 500  # files altogether: some that include each other twice would be read for ever
GLOBAL = ("global", "globals")
# Names of one parameter; those behind "!" say the opposite.
SYNONYMS = {
    "public": "guestok",
    "onlyguest": "guestonly",
    "writeable": "!readonly",
    "writable": "!readonly",
    "writeok": "!readonly",
    "printok": "printable",
    "directory": "path",
}
# lib/util: what is neither leaves the parameter as it was.
BOOLEANS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
SPACES = re.compile(r"\s+")

Parameters = Dict[str, str]  # by name in lower case without blanks
Include = Callable[[str], Optional[str]]  # the text of an included file; None when there is none


@dataclass
class Conf:
    """What the files say, in their order."""

    defaults: Parameters = field(default_factory=dict)  # of [global]
    shares: dict[str, Parameters] = field(default_factory=dict)  # by name in lower case
    names: dict[str, str] = field(default_factory=dict)  # as they are written
    registry: bool = False  # Samba's registry holds more
    unread: list[str] = field(default_factory=list)  # includes whose name depends on the client
    files: int = 0  # that were read
    section: str | None = None  # the one the next line belongs to, across included files; None: [global]

    def boolean(self, share: str | None, name: str, default: bool) -> bool:
        """A yes-or-no parameter of a share, or of [global]."""
        parameters = self.defaults if share is None else self.shares[share]
        return BOOLEANS.get(parameters.get(name, "").lower(), default)


def parse(text: str, include: Include, conf: Conf | None = None, depth: int = 0) -> Conf:
    """The settings in ``text``, added to those of ``conf`` when it is included there. A line that is no setting is
    passed over, as Samba does. Raises :class:`CannotRead` for a section without a name, and for too many files."""
    found = conf if conf is not None else Conf()
    found.files += 1
    if found.files > MOST:
        raise CannotRead("not_understood", "smb.conf: include")
    for line in text.replace("\\\r\n", "").replace("\\\n", "").split("\n"):
        said = line.strip()
        if not said or said[0] in "#;":
            continue
        if said[0] == "[":
            name, bracket, _ = said[1:].partition("]")
            name = SPACES.sub(" ", name).strip()
            if not bracket or not name:
                raise CannotRead("not_understood", f"smb.conf: {said[:80]}")
            _begin(found, name)
        elif "=" in said:
            name, _, value = said.partition("=")
            _assign(found, SPACES.sub("", name).lower(), value.strip(), include, depth)
    return found


def _begin(conf: Conf, name: str) -> None:
    key = name.lower()
    conf.section = None if key in GLOBAL else key
    if conf.section is not None and key not in conf.shares:
        conf.shares[key] = dict(conf.defaults)
        conf.names[key] = name


def _assign(conf: Conf, name: str, value: str, include: Include, depth: int) -> None:
    section = conf.section
    parameters = conf.defaults if section is None else conf.shares[section]
    name = SYNONYMS.get(name, name)
    if name == "include" or (name == "configfile" and section is None):
        _include(conf, value, include, depth, instead=name == "configfile")
    elif name == "copy":
        own = conf.shares.get(SPACES.sub(" ", value).lower(), {})
        parameters.update(own)
    elif name.startswith("!"):
        truth = BOOLEANS.get(value.lower())
        if truth is not None:
            parameters[name[1:]] = "no" if truth else "yes"
    else:
        parameters[name] = value
        if section is None and name in ("registryshares", "configbackend"):
            conf.registry = conf.registry or BOOLEANS.get(value.lower(), False) or value.lower() == "registry"


def _include(conf: Conf, value: str, include: Include, depth: int, instead: bool) -> None:
    path = value.strip("\"'")
    if path.lower() == "registry":
        conf.registry = True
        return
    if "%" in path or depth >= DEEPEST:
        conf.unread.append(path)
        return
    text = include(path)
    if text is None:
        return  # Samba goes on without it
    if instead:
        conf.defaults.clear()
        conf.shares.clear()
        conf.section = None
    parse(text, include, conf, depth + 1)


@dataclass(frozen=True)
class Share:
    """What a share lets others do."""

    name: str
    path: str | None
    printable: bool
    guest: bool | None  # None: it depends on who is meant by a group or a variable
    writable: bool


def shares(conf: Conf) -> list[Share]:
    """The shares that are offered: those available, with a folder or printers behind them."""
    found = []
    for key, parameters in conf.shares.items():
        printable = conf.boolean(key, "printable", False)
        path = parameters.get("path") or None
        special = key in ("homes", "printers")
        if not conf.boolean(key, "available", True) or not conf.boolean(key, "-valid", True):
            continue
        if path is None and not special and not printable:
            continue  # Samba makes a share without a folder unavailable
        writable = not conf.boolean(key, "readonly", True) or bool(parameters.get("writelist"))
        found.append(
            Share(
                conf.names[key],
                None if printable else path,
                printable,
                guest(conf, key),
                writable and not printable,
            )
        )
    return found


def guest(conf: Conf, share: str) -> bool | None:
    """Whether a share opens without a password; None when a group or a variable decides who may."""
    if not conf.boolean(share, "guestok", False) or conf.defaults.get("restrictanonymous") == "2":
        return False
    allowed = conf.shares[share].get("validusers", "").replace(",", " ").split()
    account = conf.defaults.get("guestaccount", "nobody")
    if not allowed or account in allowed:
        return True
    return None if any(name[0] in "@+&" or "%" in name for name in allowed) else False


def usershare(text: str, name: str, guests: bool) -> Share | None:
    """The share in a file of a user (``net usershare``); None for one that is none. ``guests``: whether they may be
    open to guests at all."""
    lines = text.split("\n")
    if not lines[0].startswith("#VERSION"):
        return None
    said = dict(line.partition("=")[::2] for line in lines[1:] if "=" in line)
    path = said.get("path", "")
    if not path.startswith("/"):
        raise CannotRead("not_understood", f"usershare {name[:40]}")
    entries = [entry.strip() for entry in said.get("usershare_acl", "").split(",") if entry.strip()]
    writable = any(entry.upper().endswith(":F") for entry in entries)
    admitted = any(not entry.upper().endswith(":D") for entry in entries)  # D: refused to all it names
    open_to_guests = guests and admitted and said.get("guest_ok", "n").strip().lower() == "y"
    return Share(said.get("sharename", "").strip() or name, path, False, open_to_guests, writable)
