"""Uninstall entries of Windows, against our table of programs.

An export of the registry is asked by the collector itself; ``<name>.expected.json`` beside ``<name>-Uninstall.reg``
states by NAME, VERSION and GUID (the entry's key) what the GLPI agent makes of it. An entry that PowerShell printed as
JSON is put into the registry it came from. Package managers' own lists are none of Windows's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result
from reg_export import ExportedMachine, NotAnExport, recording

from muster_agent.collect import collect_table
from muster_agent.facts import Table
from muster_agent.machine import Machine, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.system.uninstall import LINE, OWN, VIEWS

READS = {("windows", "programs")}
SUFFIX = re.compile(r"-Uninstall(?:\d*)\.reg$", re.IGNORECASE)


def entry_of(machine: Machine, guid: str) -> dict[str, Any]:
    """The values of the uninstall entry with the key ``guid``; none when there is no such."""
    for view in VIEWS:
        place = rf"HKLM\SOFTWARE\{view}"
        name = next((name for name in machine.subkeys(place) if name.lower() == guid.lower()), None)
        if name is not None:
            return dict(machine.registry_values(f"{place}\\{name}"))
    return {}


def compared(entry: Entry, machine: Machine, table: Table, stated: list[dict[str, Any]]) -> Iterator[Result]:
    """One verdict for each program that is stated."""
    rows = {(row.name, row.version) for row in table.rows or ()}
    for said in stated:
        name, version = said.get("NAME"), said.get("VERSION")
        guid = said.get("GUID")
        written = entry_of(machine, str(guid))
        shown = LINE.match(str(written.get("DisplayName", "")))
        if not written or not written.get("DisplayName"):
            yield Result(
                entry.file, UNKNOWN, f"{guid}: not of this export, or without a name: Windows does not show it"
            )
        elif written.get("ReleaseType") or written.get("ParentKeyName"):
            yield Result(entry.file, UNKNOWN, f"{guid}: an update or a part of another program")
        elif shown and shown.group().strip() != name:
            yield Result(entry.file, UNKNOWN, f"{guid}: stated as {name!r}, which stands elsewhere than in the entry")
        elif (name, version) in rows:
            yield Result(entry.file, RIGHT, str(guid))
        else:
            yield Result(entry.file, WRONG, f"{guid}: {name} {version} is not in the table")


def of_export(entry: Entry) -> Iterator[Result]:
    """The verdicts on an export of the registry."""
    try:
        machine = ExportedMachine(recording([entry.path.read_bytes()]))
    except NotAnExport as error:
        yield Result(entry.file, UNKNOWN, f"no export of the registry, or a damaged one: {error}")
        return
    table = collect_table(machine, "packages")
    if table.rows is None:
        yield Result(entry.file, UNKNOWN, "no uninstall entries in it")
        return
    expected = entry.path.with_name(SUFFIX.sub("", entry.path.name) + ".expected.json")
    if SUFFIX.search(entry.path.name) and expected.is_file():
        yield from compared(entry, machine, table, json.loads(expected.read_text("utf-8")))
    else:
        yield Result(entry.file, UNSTATED, f"{len(table.rows)} programs")


def of_json(entry: Entry) -> Result:
    """The verdict on uninstall entries as Get-ItemProperty prints them, or Get-Package's provider of these entries."""
    try:
        said = json.loads(entry.text())
    except ValueError:
        said = None
    entries = [
        {"DisplayName": one["Name"], "DisplayVersion": one.get("Version") or ""}
        if isinstance(one, dict) and one.get("ProviderName") == "Programs" and "Name" in one
        else one
        for one in (said if isinstance(said, list) else [said])
    ]
    if not all(isinstance(one, dict) and "DisplayName" in one for one in entries):
        return Result(entry.file, UNKNOWN, "a package manager's own list; the agent reads the uninstall entries")
    keys = {f"{OWN}\\{number}": one for number, one in enumerate(entries)}
    made = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, values=dict(keys))
    made.keys[OWN] = tuple(key.rpartition("\\")[2] for key in keys)
    table = collect_table(RecordedMachine(made, whole=True), "packages")
    names = {str(one["DisplayName"]).strip() for one in entries}
    if table.rows is None or {row.name for row in table.rows} != names:
        return Result(entry.file, UNKNOWN, "not an uninstall entry of a program")
    return Result(entry.file, UNSTATED, ", ".join(f"{row.name} {row.version}" for row in table.rows)[:200])


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """The results for each raw file."""
    for entry in entries:
        if entry.kind != "raw":
            continue
        if entry.path.suffix.lower() == ".reg":
            yield from of_export(entry)
        else:
            yield of_json(entry)
