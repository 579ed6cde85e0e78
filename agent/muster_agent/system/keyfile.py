"""Key files: ``[section]`` and ``name=value``, as GLib, lightdm, gdm, sddm and dconf write them.

configparser would refuse repeated names, and read a percent sign as its own.
"""

from __future__ import annotations

from typing import Dict

Sections = Dict[str, Dict[str, str]]


def parse(text: str, into: Sections | None = None) -> Sections:
    """The settings by section; a later one of the same name wins, also over those of ``into``, which is added to."""
    found: Sections = {} if into is None else into
    section: dict[str, str] = {}
    for line in text.split("\n"):
        said = line.strip()
        if said.startswith(("#", ";")):
            continue
        if said.startswith("[") and said.endswith("]"):
            section = found.setdefault(said[1:-1].strip(), {})
            continue
        name, equals, value = said.partition("=")
        if equals:
            section[name.strip()] = value.strip()
    return found


def is_true(value: str | None) -> bool:
    """Whether a value says yes."""
    return (value or "").lower() in ("true", "yes", "1", "on")
