"""firewalld: its settings and zones (firewalld.conf(5), firewalld.zone(5)), and what ``firewall-cmd`` prints."""

from __future__ import annotations

import re
from dataclasses import field

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

CONF = "/etc/firewalld/firewalld.conf"
ZONES = ("/etc/firewalld/zones", "/usr/lib/firewalld/zones")  # one of one's own hides that of the package
DEFAULT_ZONE = "public"
SETTING = re.compile(r"^[ \t]*DefaultZone[ \t]*=[ \t]*(\S*)[ \t]*$", re.MULTILINE)
NAME = re.compile(r"^[A-Za-z0-9_./-]{1,60}$")
# The element may carry version="…" as well.
ZONE = re.compile(r"<zone\b([^>]*)>")
TARGET = re.compile(r"""\btarget\s*=\s*(?:"([^"]*)"|'([^']*)')""")
BOUND = re.compile(r"<(?:interface|source)\b")
TARGETS = {"": "block", "default": "block", "%%REJECT%%": "block", "DROP": "block", "ACCEPT": "allow"}
HEADING = re.compile(r"^(\S+)(?: \(([a-z, ]+)\))?\s*$")
FIELD = re.compile(r"^\s+([a-z][a-z -]*?)(?::(.*))?$")
NOT_RUNNING = "FirewallD is not running"


@dataclass
class Zone:
    """One zone as ``firewall-cmd --list-all-zones`` prints it."""

    name: str
    active: bool
    default: bool
    target: str = "default"
    interfaces: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def inbound(self) -> str | None:
        """What happens to what no rule of the zone speaks of."""
        return TARGETS.get(self.target)


def default_zone(conf: str) -> str:
    """The zone of whatever is bound to none, by the text of firewalld.conf; an empty setting is firewalld's own one."""
    found = SETTING.findall(conf)
    name = found[-1] if found and found[-1] else DEFAULT_ZONE
    if NAME.match(name) is None:
        raise CannotRead("not_understood", f"{CONF}: DefaultZone={name[:40]}")
    return str(name)


def zone(text: str, path: str) -> tuple[str, bool]:
    """(allow or block, whether interfaces or addresses are bound to it) of a zone's file.

    Raises :class:`CannotRead` for what is not one.
    """
    # A comment must not be taken for the zone. Not parsed as XML: reading that costs a tenth of the whole run.
    plain = "".join(part.partition("-->")[2] if number else part for number, part in enumerate(text.split("<!--")))
    element = ZONE.search(plain)
    if element is None or ("</zone>" not in plain and not element.group(1).endswith("/")):
        raise CannotRead("not_understood", path)
    target = TARGET.search(element.group(1))
    value = (target.group(1) or target.group(2) or "") if target else ""
    if value not in TARGETS:
        raise CannotRead("not_understood", f"{path}: target={value[:20]}")
    return TARGETS[value], BOUND.search(plain) is not None


def state(text: str) -> bool:
    """Whether it runs, by ``firewall-cmd --state``. Raises :class:`CannotRead`."""
    word = text.strip()
    if word not in ("running", "not running"):
        raise CannotRead("not_understood", f"firewall-cmd: {word[:80]}")
    return word == "running"


def list_all_zones(text: str) -> list[Zone]:
    """The zones. Raises :class:`CannotRead` when it does not run, or printed anything else."""
    zones: list[Zone] = []
    name = ""
    for line in text.split("\n"):
        if not line.strip():
            continue
        heading, setting = HEADING.match(line), FIELD.match(line)
        if heading and not line[0].isspace():
            marks = [mark.strip() for mark in (heading.group(2) or "").split(",")]
            zones.append(Zone(heading.group(1), "active" in marks, "default" in marks))
        elif line[0].isspace() and zones:
            name = setting.group(1) if setting else name
            value = (setting.group(2) or "").strip() if setting else ""
            if name == "target" and value:
                zones[-1].target = value
            elif setting and name in ("interfaces", "sources"):
                setattr(zones[-1], name, value.split())
        else:
            raise CannotRead("not_understood", f"firewall-cmd: {line.strip()[:80]}")
    if not zones or NOT_RUNNING in text:
        raise CannotRead("not_understood", f"firewall-cmd: {text.strip()[:80]}")
    return zones


def active_zones(text: str) -> dict[str, list[str]]:
    """The interfaces of each zone in force (``--get-active-zones``). Raises :class:`CannotRead`."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.split("\n"):
        if not line.strip():
            continue
        heading = HEADING.match(line)
        if heading and not line[0].isspace():
            name = heading.group(1)
            found[name] = []
        elif name and line.strip().startswith("interfaces:"):
            found[name] += line.partition(":")[2].split()
        elif not (name and line.strip().startswith("sources:")):
            raise CannotRead("not_understood", f"firewall-cmd: {line.strip()[:80]}")
    return found
