"""Property lists, the files in which macOS keeps its settings (plist(5)), XML or binary."""

from __future__ import annotations

from typing import Any, Dict

from muster_agent.machine import CannotRead, Machine, NotFound

LIMIT = 16 * 1024 * 1024  # bytes; the longest of a real system, of installed software, is about 2 MB

Dictionary = Dict[str, Any]


def parse_any(data: bytes, path: str) -> Any:
    """What the bytes of a property list hold. Raises ``not_understood``.

    No entity is taken: the format has none, and a few lines of them expand to gigabytes.
    """
    import plistlib  # with it come the XML parser and datetime: nothing but macOS needs them

    if b"<!ENTITY" in data:
        raise CannotRead("not_understood", path)
    try:
        return plistlib.loads(data)
    except Exception as error:  # the parsers of both forms raise whatever a damaged file makes them stumble over
        raise CannotRead("not_understood", f"{path}: {type(error).__name__}") from error


def parse(data: bytes, path: str) -> Dictionary:
    """The dictionary in the bytes of a property list. Raises ``not_understood`` for anything else."""
    found = parse_any(data, path)
    if not isinstance(found, dict):
        raise CannotRead("not_understood", path)
    return found


def read(machine: Machine, path: str) -> Dictionary:
    """The property list at ``path``. Raises :class:`CannotRead`."""
    return parse(machine.read(path, LIMIT), path)


def optional(machine: Machine, path: str) -> Dictionary:
    """The property list at ``path``, empty where there is none."""
    try:
        return read(machine, path)
    except NotFound:
        return {}


def text(found: Dictionary, name: str) -> str | None:
    """A text under ``name``; None when there is none."""
    value = found.get(name)
    return value if isinstance(value, str) and value else None


def flag(found: Dictionary, name: str) -> bool | None:
    """A yes or no under ``name``, which older tools write as 0 and 1; None when there is none."""
    value = found.get(name)
    return bool(value) if isinstance(value, (bool, int)) else None


def moment(found: Dictionary, name: str) -> str | None:
    """A date under ``name`` in RFC 3339: property lists hold them in UTC."""
    value: Any = found.get(name)
    if value is None or not hasattr(value, "strftime"):
        return None
    try:
        return str(value.strftime("%Y-%m-%dT%H:%M:%SZ")) if 1970 <= value.year <= 9999 else None
    except ValueError:
        return None
