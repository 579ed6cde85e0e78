"""The roles, and what each may do."""

from __future__ import annotations

from enum import StrEnum

from muster_server.store.readers import Reader


class Role(StrEnum):
    """What somebody is to this office."""

    VIEWER = "viewer"  # reads one unit
    AUDITOR = "auditor"  # reads everything, the audit log included; changes nothing
    ADMINISTRATOR = "administrator"  # reads everything, and acts
    MONITOR = "monitor"  # reads the server's own measurements and nothing of any PC


class Need(StrEnum):
    """What a route or a command takes."""

    REPORTS = "reports"  # how PCs stand; a viewer gets those of the unit
    AUDIT = "audit"  # what administrators did, evidence, everything of every unit
    ACT = "act"
    METRICS = "metrics"


GRANTED = {
    Role.VIEWER: frozenset({Need.REPORTS}),
    Role.AUDITOR: frozenset({Need.REPORTS, Need.AUDIT, Need.METRICS}),
    Role.ADMINISTRATOR: frozenset(Need),
    Role.MONITOR: frozenset({Need.METRICS}),
}


def may(reader: Reader, need: Need) -> bool:
    """Whether a role suffices. A role this version does not know suffices for nothing."""
    return reader.role in set(Role) and need in GRANTED[Role(reader.role)]


def unit_of(reader: Reader) -> str | None:
    """The one unit whose PCs a reader sees; None for all. Only roles that are known to see all do."""
    return None if reader.role in (Role.AUDITOR, Role.ADMINISTRATOR) else reader.unit or ""
