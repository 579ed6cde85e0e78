"""Lists of installed updates, against our table of hotfixes.

The agent reads the servicing store in the registry. ``dism /Get-Packages`` prints that store, so its packages are put
where they came from and the collector is asked. Lists of WMI, Get-HotFix and the update history name updates in another
way and with dates of the PC's language; the agent has no use for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cases import UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.collect import collect_table
from muster_agent.machine import RegistryValue, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.system.cbs import store

READS = {("windows", "patches")}

# The identity has the same form in every language; the line after it is the state.
PACKAGE = re.compile(
    r"^[^\n:]{1,40}:[ \t]*(?P<identity>[^\s~]+~[0-9A-Fa-f]{16}~[^\s]+)[ \t]*\n[^\n:]{1,40}:[ \t]*(?P<state>[^\n]*)",
    re.M,
)
STATES = {"Installed": 0x70, "Superseded": 0x50, "Install Pending": 0x60, "Staged": 0x40, "Uninstall Pending": 0x05}


def result(entry: Entry) -> Result:
    """The verdict on one recording."""
    text = entry.text().replace("\r\n", "\n").replace("\r", "\n")
    found = [(one["identity"], one["state"].strip()) for one in PACKAGE.finditer(text)]
    if not found:
        return Result(entry.file, UNKNOWN, "no list of the servicing store's packages; the agent reads that store")
    unknown = sorted({state for _, state in found if state not in STATES})
    if unknown:
        return Result(entry.file, UNKNOWN, f"states in another language: {', '.join(unknown)[:80]}")
    values: dict[str, dict[str, RegistryValue]] = {
        f"{store.KEY}\\{identity}": {"CurrentState": STATES[state]} for identity, state in found
    }
    recording = Recording(
        "windows",
        Uname("Windows", "pc", "10", "AMD64"),
        True,
        values=dict(values),
        keys={store.KEY: tuple(sorted(identity for identity, _ in found))},
    )
    table = collect_table(RecordedMachine(recording), "patches")
    if table.rows is None or table.notes:
        return Result(entry.file, UNKNOWN, "our table could not be read in full")
    updates = {identity for identity, state in found if identity.startswith("Package_for_") and state == "Installed"}
    if not updates:
        return Result(entry.file, UNKNOWN, "no update among its packages")
    if len(table.rows) != len(updates):
        return Result(entry.file, WRONG, f"{len(table.rows)} updates of {len(updates)} that are installed")
    return Result(entry.file, UNSTATED, f"{len(table.rows)} updates installed")


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    yield from (result(entry) for entry in entries if entry.kind == "raw")
