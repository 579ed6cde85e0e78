"""A dump of a WMI class as ``wmic … get /format:list`` prints it: objects between blank lines, a property a line."""

from __future__ import annotations


def objects(text: str) -> list[dict[str, str]]:
    """The objects of a dump, their properties as they are written. Lines that are no property are left out."""
    found: list[dict[str, str]] = []
    current: dict[str, str] = {}
    for line in [*text.lstrip("\ufeff").splitlines(), ""]:
        name, equals, value = line.strip().partition("=")
        if name and equals and not name.startswith("#"):
            # wmic ends lines with CR CR LF, which reads as a blank line between two properties: an object ends where
            # its first property comes again.
            if name in current:
                found.append(current)
                current = {}
            current[name] = value
    return [*found, current] if current else found
