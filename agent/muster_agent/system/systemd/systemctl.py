"""What systemctl prints: list-unit-files, list-units and show. Its columns stand apart by blanks, its legend behind a
blank line; in the C locale, without pager and colours, but recordings come in other forms as well.
"""

from __future__ import annotations

import re
from typing import Iterator

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

TYPES = "service|socket|target|device|mount|automount|swap|timer|path|slice|scope|snapshot|busname"
NAME = re.compile(rf"\S+\.(?:{TYPES})\Z")
# In front of a unit that is not well (or, in older versions, of every one) stands a mark.
MARKS = ("●", "○", "*", "×", "x", "↻", "â")
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
LEGEND = re.compile(r"[0-9]+ (?:loaded )?unit|(?:LOAD|ACTIVE|SUB|JOB) +[=→]|Note: |\.\.\.\Z")
STATES = {  # systemctl(1), is-enabled: what each state means in the words of the table services
    "enabled": "AUTO_START",
    "enabled-runtime": "AUTO_START",
    "masked": "DISABLED",
    "masked-runtime": "DISABLED",
    "disabled": "DEMAND_START",
    "static": "DEMAND_START",
    "indirect": "DEMAND_START",
    "linked": "DEMAND_START",
    "linked-runtime": "DEMAND_START",
    "transient": "DEMAND_START",
}  # generated, alias, bad: the state does not tell


@dataclass(frozen=True)
class Listed:
    """One line of list-units."""

    unit: str
    load: str
    active: str
    sub: str
    description: str


def _lines(text: str, headed: str, what: str) -> Iterator[tuple[str, str]]:
    """(name, what stands behind it) of each unit. Raises :class:`CannotRead` for a line that is neither a unit nor a
    part of the legend: a service must not vanish in silence."""
    found = ended = False
    for line in ESCAPE.sub("", text).replace("\r", "").split("\n"):
        said = line.strip()
        name, _, rest = said.partition(" ")
        if name in MARKS:
            said = rest.strip()
            name, _, rest = said.partition(" ")
        if not said:
            ended = found
        elif NAME.match(name) and rest.strip() and "…" not in name:
            found = True
            yield name, rest.strip()
        elif not (ended or name == headed or LEGEND.match(line.strip())):
            raise CannotRead("not_understood", f"{what}: {line.strip()[:80]}")
    if not found and not re.search(r"\b0 (?:loaded )?unit", text):
        raise CannotRead("not_understood", f"{what}: {text.strip()[:80]}")


def list_unit_files(text: str) -> dict[str, str]:
    """The state of each unit file, e.g. enabled, static, masked."""
    return {name: rest.split()[0] for name, rest in _lines(text, "UNIT", "systemctl list-unit-files")}


def list_units(text: str) -> list[Listed]:
    """The units systemd has in memory."""
    found = []
    for name, rest in _lines(text, "UNIT", "systemctl list-units"):
        fields = rest.split(None, 3)
        if len(fields) < 3:
            raise CannotRead("not_understood", f"systemctl list-units: {name} {rest}"[:100])
        found.append(Listed(name, fields[0], fields[1], fields[2], fields[3] if len(fields) > 3 else ""))
    return found


def show(text: str) -> dict[str, dict[str, str]]:
    """The properties of each unit by its Id. A unit ends with a blank line, or where the next Id begins."""
    found: dict[str, dict[str, str]] = {}
    properties: dict[str, str] = {}
    for line in text.replace("\r", "").split("\n"):
        name, equals, value = line.partition("=")
        if not line or (name == "Id" and "Id" in properties):
            properties = {}
        if equals and re.match(r"[A-Za-z][A-Za-z0-9]*\Z", name):
            properties[name] = value
            if name == "Id":
                found[value] = properties
    return found


def is_running(active: str, sub: str) -> bool | None:
    """Whether a service with these states runs; None for one that has done its work (active, exited) or is on its
    way up or down."""
    if sub in ("running", "reload", "reload-notify", "auto-restart-queued"):
        return True
    if active in ("inactive", "failed") or sub in ("dead", "failed"):
        return False
    return None
