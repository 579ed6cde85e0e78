"""Pending updates on macOS: what the last search of the system found, and what Munki is about to install.

``softwareupdate -l`` is never run: it goes out to Apple and takes half a minute.
"""

from __future__ import annotations

from typing import Any, Iterator

from muster_agent.collect.update_status import darwin as update_status
from muster_agent.collect.updates import darwin_installed
from muster_agent.facts import Problem, Table, Update
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import plist

SOFTWARE_UPDATE = update_status.SOFTWARE_UPDATE
MUNKI = "/Library/Managed Installs/ManagedInstallReport.plist"
COUNTS = ("LastRecommendedUpdatesAvailable", "LastUpdatesAvailable")


def entries(found: plist.Dictionary, name: str) -> list[dict[str, Any]]:
    """The dictionaries of a list. Raises ``not_understood`` when it holds anything else."""
    listed = found.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise CannotRead("not_understood", name)
    return listed


def of_apple(found: plist.Dictionary) -> Iterator[Update]:
    """The updates Apple recommends for this Mac, as of the last search."""
    for entry in entries(found, "RecommendedUpdates"):
        title = plist.text(entry, "Display Name") or plist.text(entry, "Identifier")
        if title is None:
            raise CannotRead("not_understood", SOFTWARE_UPDATE)
        security = True if darwin_installed.SECURITY.match(title) else None
        yield Update(name=title, available=plist.text(entry, "Display Version"), security=security, origin="Apple")


def of_munki(machine: Machine) -> Iterator[Update]:
    """What Munki has not installed yet, where an office uses it: in its managed installs, and its queue."""
    try:
        report = plist.read(machine, MUNKI)
    except NotFound:
        return
    for entry in [*entries(report, "ManagedInstalls"), *entries(report, "ItemsToInstall")]:
        name = plist.text(entry, "name")
        if name is not None and plist.flag(entry, "installed") is not True:
            yield Update(
                name=name,
                installed=plist.text(entry, "installed_version"),
                available=plist.text(entry, "version_to_install"),
                origin="Munki",
            )


def collect(machine: Machine) -> Table:
    """The updates. Without a search that succeeded no list proves that nothing is pending; how old the last one is
    stands in ``update_status.metadata_date``, by which the policy decides whether to believe it."""
    found = plist.read(machine, SOFTWARE_UPDATE)
    searches = update_status.searches(found)
    notes: list[Problem] = []
    rows = list(of_apple(found))
    count = max((found[name] for name in COUNTS if type(found.get(name)) is int), default=0)
    if count > len(rows):
        notes.append(Problem("error", "fewer_updates_than_counted", f"{len(rows)} < {count}"))
    if darwin_installed.since(machine, searches, notes):
        rows = darwin_installed.still_offered(machine, rows, notes)
    try:
        rows += [row for row in dict.fromkeys(of_munki(machine)) if row not in rows]
    except CannotRead as error:
        notes.append(error.problem())
    silent = sorted({row.origin or "" for row in rows if row.security is None})
    if silent:
        notes.append(Problem("unsupported", "security_not_stated", ", ".join(silent), "security"))
    return Table(rows=tuple(rows), notes=tuple(notes))
