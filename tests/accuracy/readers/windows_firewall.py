"""Exports of the registry against the profiles of Windows's firewall.

An export holds the key of one profile, or of several; ``expected_profiles.json`` beside it states for each set of
exports, by the beginning of their names, what each profile is set to. Whether the firewall's service ran is in none of
them: it is handed in as running, so that the collector's row says what the profile is set to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result
from reg_export import ExportedMachine, NotAnExport, recording

from muster_agent.collect.firewall import windows
from muster_agent.collect.firewall.windows_profile import DEVICE, GROUP, OWN, PROFILES
from muster_agent.machine import CannotRead
from muster_agent.system.windows_answer import STATES

READS = {("windows", "firewall")}
STATED = "expected_profiles.json"
RUNNING: dict[tuple[str, ...], Any] = {(STATES,): {windows.SERVICE: "RUNNING"}}
NAMES = {"domain": "domain", "standard": "private", "private": "private", "public": "public"}


def stated(folder: Path, name: str) -> dict[str, bool]:
    """What is stated of the set an export belongs to: whether each profile is on."""
    path = folder / STATED
    sets: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    best = max((one for one in sets if name.startswith(one + "-")), key=len, default=None)
    said = sets[best] if best is not None else {}
    return {NAMES[profile]: entry["STATUS"] == "on" for profile, entry in said.items() if profile in NAMES}


def whole_lines(data: bytes) -> bytes:
    """An export up to the end of its last line: of a file that is cut short, the last number may be cut too."""
    end = b"\n\0" if data.startswith(b"\xff\xfe") else b"\n"
    return data[: data.rfind(end) + len(end)]


def profiles_in(machine: ExportedMachine) -> list[str]:
    """The profiles of which the export holds a key, wherever it is set."""
    return [
        profile
        for profile, (in_group, elsewhere) in PROFILES.items()
        if any(holds(machine, key) for key in (f"{GROUP}\\{in_group}", f"{DEVICE}\\{elsewhere}", f"{OWN}\\{elsewhere}"))
    ]


def holds(machine: ExportedMachine, key: str) -> bool:
    """Whether a key is in the export with values of its own."""
    try:
        return bool(machine.registry_values(key))
    except CannotRead:
        return False


def results(entry: Entry) -> Iterator[Result]:
    """The verdicts on one export, one a profile in it."""
    try:
        machine = ExportedMachine(recording([whole_lines(entry.path.read_bytes())], apis=RUNNING))
    except NotAnExport as error:
        yield Result(entry.file, UNKNOWN, f"no export of the registry: {error}")
        return
    profiles = profiles_in(machine)
    if not profiles:
        yield Result(entry.file, UNKNOWN, "it holds no profile of the firewall")
    wanted = stated(entry.path.parent, entry.path.name)
    table = windows.collect(machine)
    said = {row.profile: row.enabled for row in table.rows or () if row.name == windows.NAME}
    for other in sorted(set(said) - set(profiles)):
        if said[other] is not None:
            yield Result(entry.file, WRONG, f"{other}: said {said[other]}, and nothing in it tells")
    for profile in profiles:
        enabled = said.get(profile)
        if enabled is None:
            yield Result(entry.file, UNKNOWN, f"{profile}: {table.notes}"[:200])
        elif profile not in wanted:
            yield Result(entry.file, UNSTATED, f"{profile}: {enabled}")
        elif enabled is wanted[profile]:
            yield Result(entry.file, RIGHT, profile)
        else:
            yield Result(entry.file, WRONG, f"{profile}: said {enabled}, stated {wanted[profile]}")


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """The verdicts on the raw files."""
    for entry in entries:
        if entry.kind != "raw":
            continue
        if entry.path.suffix.lower() == ".reg":
            try:
                yield from list(results(entry))
            except (ValueError, KeyError, TypeError, AttributeError, CannotRead) as error:
                yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}"[:200])
        else:
            yield Result(entry.file, UNKNOWN, "the agent reads the firewall from the registry only")
