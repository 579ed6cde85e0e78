"""Unit files: the syntax of systemd.syntax(7), and of it what Muster asks."""

from __future__ import annotations

import re
from typing import Dict, List

# Section -> setting -> the values in their order. An empty value takes back those before it.
Unit = Dict[str, Dict[str, List[str]]]
SECTION = re.compile(r"\[([^\[\]]+)\]\s*\Z")
PREFIXES = "@-:+!|"  # systemd.service(5), special executable prefixes


def parse(text: str, unit: Unit | None = None) -> Unit:
    """The settings in the text of a unit file, added to those of ``unit`` when it is a drop-in of it."""
    found: Unit = unit if unit is not None else {}
    section: dict[str, list[str]] = {}
    pending: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        said = line.strip()
        if said.startswith(("#", ";")):  # also between the lines of a continued one
            continue
        if said.endswith("\\"):
            pending.append(said[:-1])
            continue
        said = " ".join([*pending, said])
        pending = []
        header = SECTION.match(said)
        if header:
            section = found.setdefault(header.group(1), {})
            continue
        name, equals, value = said.partition("=")
        if equals:
            name, value = name.strip(), value.strip()
            if value:
                section.setdefault(name, []).append(value)
            else:
                section[name] = []
    return found


def last(unit: Unit, section: str, name: str) -> str | None:
    """The value in force of a setting that takes one."""
    values = unit.get(section, {}).get(name)
    return values[-1] if values else None


def listed(unit: Unit, section: str, name: str) -> list[str]:
    """The words of a setting that takes a list."""
    return [word for value in unit.get(section, {}).get(name, []) for word in value.split()]


def program(unit: Unit) -> str | None:
    """The program a service runs: the first of its ExecStart, without prefixes; None when it is no absolute path."""
    commands = unit.get("Service", {}).get("ExecStart")
    if not commands:
        return None
    word = commands[0].lstrip(PREFIXES)
    quoted = re.match(r"([\"'])(.*?)\1", word)
    path = quoted.group(2) if quoted else word.split(None, 1)[0] if word.split() else ""
    path = path.replace("\\x20", " ")
    return path if path.startswith("/") else None


def specified(text: str, name: str) -> str:
    """``text`` with the specifiers that follow from the unit's name (systemd.unit(5)); the others stay."""
    prefix, _, instance = name.partition("@")
    values = {"%n": f"{name}.service", "%N": name, "%p": prefix, "%i": instance, "%I": instance, "%%": "%"}
    return re.sub(r"%[nNpiI%]", lambda found: values[found.group()], text) if "%" in text else text
