"""The patch state of a Mac: its last search for updates, its last installation, whether it keeps itself up to date."""

from __future__ import annotations

import re
from typing import Any

from muster_agent.collect.attempts import Attempts
from muster_agent.facts import Problem, Table, UpdateStatus
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import plist

SOFTWARE_UPDATE = "/Library/Preferences/com.apple.SoftwareUpdate.plist"
HISTORY = "/Library/Receipts/InstallHistory.plist"
# What mends the system itself. XProtect and its kind renew themselves daily and say nothing of patches.
OF_SYSTEM = re.compile(r"^(macOS|OS X|Mac OS X|Security Update|Rapid Security Response)\b", re.IGNORECASE)
MANAGED = "/Library/Managed Preferences/com.apple.SoftwareUpdate.plist"
# An update of macOS installs itself only if all of these are on (CIS macOS benchmark, section 1).
AUTOMATIC = ("AutomaticCheckEnabled", "AutomaticDownload", "AutomaticallyInstallMacOSUpdates", "CriticalUpdateInstall")


def searches(found: plist.Dictionary) -> list[str]:
    """When searches for updates last succeeded: the full one, where there was one, and any. Raises
    ``never_searched_software_update``."""
    known = [plist.moment(found, name) for name in ("LastFullSuccessfulDate", "LastSuccessfulDate")]
    dates = [date for date in known if date is not None]
    if not dates:
        raise CannotRead("never_searched_software_update", SOFTWARE_UPDATE, "stale")
    return dates


def metadata_date(machine: Machine) -> str:
    """When a search for updates last succeeded. Raises ``never_searched_software_update``."""
    return searches(plist.read(machine, SOFTWARE_UPDATE))[0]


def history(data: bytes) -> list[Any]:
    """The entries of the installation history, the one property list here that is a list."""
    wrapped = plist.parse_any(data, HISTORY)
    if not isinstance(wrapped, list):
        raise CannotRead("not_understood", HISTORY)
    return wrapped


def installations(machine: Machine) -> list[str]:
    """When updates of macOS were installed, in RFC 3339. Raises :class:`CannotRead`."""
    dates = [
        plist.moment(entry, "date")
        for entry in history(machine.read(HISTORY, plist.LIMIT))
        if isinstance(entry, dict) and OF_SYSTEM.match(plist.text(entry, "displayName") or "")
    ]
    return [date for date in dates if date]


def last_installed(machine: Machine) -> str:
    """The day an update of macOS was last installed. Raises ``no_upgrade_logged``."""
    known = installations(machine)
    if not known:
        raise CannotRead("no_upgrade_logged", HISTORY)
    return max(known)[: len("2026-11-24")]


def automatic(machine: Machine) -> bool:
    """Whether updates of macOS install themselves; what an administrator manages wins.

    One switch that is off decides. A switch that was never set follows a default that differs from release to release.
    """
    managed, local = plist.optional(machine, MANAGED), plist.read(machine, SOFTWARE_UPDATE)
    found = [flag if flag is not None else plist.flag(local, name) for name, flag in managed_flags(managed)]
    if False in found:
        return False
    if None in found:
        raise CannotRead("never_set", AUTOMATIC[found.index(None)])
    return True


def managed_flags(managed: plist.Dictionary) -> list[tuple[str, bool | None]]:
    """What an administrator decided of each switch."""
    return [(name, plist.flag(managed, name)) for name in AUTOMATIC]


def collect(machine: Machine) -> Table:
    """The one row; each fact fails by itself. macOS leaves no mark of a restart that is due, and has one kernel."""
    attempt = Attempts()
    attempt.notes.append(Problem("unsupported", "restart_not_told", "macOS", "reboot_required"))
    row = UpdateStatus(
        metadata_date=attempt("metadata_date", lambda: metadata_date(machine)),
        last_installed=attempt("last_installed", lambda: last_installed(machine)),
        automatic=attempt("automatic", lambda: automatic(machine)),
        running_kernel=machine.uname().release or None,
    )
    return Table(rows=(row,), notes=tuple(attempt.notes))
