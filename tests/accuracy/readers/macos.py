"""Recordings of macOS: property lists and what its programs print.

Each is put on a Mac that has nothing else, and the rows of the real collector are compared with what its owner states,
or with what the XML of the list says when the standard library's parser of XML reads it and none of ours. A binary
list says nothing in plain words: its rows are read, and stay unstated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from xml.etree import ElementTree

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.collect.firewall import darwin as firewall
from muster_agent.collect.os_version import darwin as os_version
from muster_agent.collect.packages import darwin as packages
from muster_agent.collect.services import darwin as services
from muster_agent.collect.updates import darwin as updates
from muster_agent.machine import CannotRead, Output, Uname
from muster_agent.recording import RecordedMachine, of_files
from muster_agent.system import plist
from muster_agent.system.launchd import jobs, launchctl

READS = {("macos", topic) for topic in ("firewall", "os", "packages", "patches", "services")}
NOT_OURS = {
    "SPApplications": "system_profiler takes seconds and finds programs anywhere on the disk: folders are read instead",
    "system_profile": "system_profiler is not asked: sysctl and SystemVersion.plist tell the same at once",
    "profiles_stdout": "configuration profiles are read where they take effect",
    "brew": "brew is not run: its Cellar is read",
    "dscacheutil": "the directory service is asked through dscl",
    "ps-": "processes come from psutil",
}
DAMAGED = (ValueError, KeyError, IndexError, TypeError, AttributeError, ElementTree.ParseError, CannotRead)
# What every Mac has beside: the firewall asks for the version of the system, the updates for what was installed.
EVERYWHERE = {
    os_version.PATH: b'<plist version="1.0"><dict><key>ProductVersion</key><string>14.6</string></dict></plist>',
    "/Library/Receipts/InstallHistory.plist": b'<plist version="1.0"><array/></plist>',
}
# A Mac whose last search found nothing: what Munki says is asked for only where the system's own search worked.
SEARCHED = (
    b'<plist version="1.0"><dict><key>LastFullSuccessfulDate</key><date>2026-01-01T00:00:00Z</date></dict></plist>'
)
LIST = (launchctl.LAUNCHCTL, "list")
OVERRIDES = (launchctl.LAUNCHCTL, "print-disabled", "system")
NONE_SWITCHED = b"disabled services = {\n}\n"


def mac(files: dict[str, bytes], programs: dict[tuple[str, ...], bytes] | None = None) -> RecordedMachine:
    """A Mac that has these files and whose programs print this."""
    printed = {argv: Output(0, said, b"") for argv, said in (programs or {}).items()}
    recording = of_files(Uname("Darwin", "mac", "23.6.0", "x86_64"), {**EVERYWHERE, **files}, 0, programs=printed)
    recording.platform = "darwin"
    return RecordedMachine(recording, whole=True)


def plain(data: bytes) -> dict[str, Any] | None:
    """The dictionary of an XML property list; None for a binary one. Raises ``ParseError`` for a damaged one."""
    if data.startswith(b"bplist"):
        return None
    found = value(ElementTree.fromstring(data)[0])
    return found if isinstance(found, dict) else None


def value(element: ElementTree.Element) -> Any:
    """One value: texts, whole numbers, yes and no, lists and dictionaries; others as the text they are."""
    if element.tag == "dict":
        inside = list(element)
        return {key.text or "": value(of) for key, of in zip(inside[::2], inside[1::2], strict=True)}
    if element.tag == "array":
        return [value(inside) for inside in element]
    if element.tag in ("true", "false"):
        return element.tag == "true"
    return int(element.text or "") if element.tag == "integer" else element.text or ""


# -- what our rows say, and what the list says -----------------------------------------------------------------------


def of_firewall(data: bytes, said: dict[str, Any] | None) -> tuple[Any, Any]:
    """The application firewall: on, and what it does with connections."""
    (row,) = firewall.collect(mac({firewall.SETTINGS: data})).rows or ()
    inbound = {0: "allow", 1: None, 2: "block"}
    return (row.enabled, row.inbound), said and (said["globalstate"] > 0, inbound[said["globalstate"]])


def of_system(data: bytes, said: dict[str, Any] | None) -> tuple[Any, Any]:
    """Name, version and build of the system."""
    (row,) = os_version.collect(mac({os_version.PATH: data})).rows or ()
    ours = (row.name, row.version, row.build)
    if said is None:
        return ours, None
    words = [said["ProductVersion"], said.get("ProductVersionExtra", "")]
    return ours, (said["ProductName"], " ".join(filter(None, words)), said["ProductBuildVersion"])


def of_program(data: bytes, said: dict[str, Any] | None) -> tuple[Any, Any]:
    """The version of a program; its name is that of the folder it is in."""
    rows = packages.collect(mac({"/Applications/X.app/Contents/Info.plist": data})).rows or ()
    version = said and (said.get("CFBundleShortVersionString") or said.get("CFBundleVersion") or None)
    return [(row.name, row.version, row.type) for row in rows], said and [("X", version, "app")]


def of_munki(data: bytes, said: dict[str, Any] | None) -> tuple[Any, Any]:
    """What Munki has yet to install, by name and version."""
    table = updates.collect(mac({updates.SOFTWARE_UPDATE: SEARCHED, updates.MUNKI: data}))
    failed = [note for note in table.notes if note.code != "security_not_stated"]
    if failed:
        raise CannotRead(failed[0].code, failed[0].detail)
    ours = sorted((row.name, row.available or "") for row in table.rows or ())
    listed = [*said.get("ManagedInstalls", []), *said.get("ItemsToInstall", [])] if said is not None else []
    pending = {(one["name"], one.get("version_to_install", "")) for one in listed if not one.get("installed")}
    return ours, said and sorted(pending)


def of_job(data: bytes, said: dict[str, Any] | None) -> tuple[Any, Any]:
    """A job of launchd: its label, its program and whose it is."""
    machine = mac({jobs.FOLDERS[0] + "/job.plist": data}, {LIST: b"PID\tStatus\tLabel\n", OVERRIDES: NONE_SWITCHED})
    ours = [(row.name, row.path, row.user_account) for row in services.collect(machine).rows or ()]
    program = said and (said.get("Program") or next(iter(said.get("ProgramArguments", [])), None))
    return ours, said and [(said["Label"], program, said.get("UserName"))]


KINDS: tuple[tuple[str, Callable[[bytes, dict[str, Any] | None], tuple[Any, Any]]], ...] = (
    ("ProductBuildVersion", of_system),
    ("globalstate", of_firewall),
    ("Label", of_job),
    ("CFBundleIdentifier", of_program),
    ("CFBundleName", of_program),
)


def of_list(labels: Iterable[str], listed: str) -> dict[str, bool]:
    """Which of these jobs, each of which starts with the system, run by our rows, when launchctl lists this. Raises
    :class:`CannotRead` for what is no such list."""
    files = {}
    for number, label in enumerate(labels):
        root = ElementTree.fromstring('<plist version="1.0"><dict><key>Label</key><string/></dict></plist>')
        root[0][1].text = label
        root[0].extend([ElementTree.Element("key"), ElementTree.Element("true")])
        root[0][2].text = "RunAtLoad"
        files[f"{jobs.FOLDERS[0]}/{number}.plist"] = ElementTree.tostring(root)
    machine = mac(files, {LIST: listed.encode("utf-8", "replace"), OVERRIDES: NONE_SWITCHED})
    table = services.collect(machine)
    for note in table.notes:
        if note.column == "status":
            raise CannotRead(note.code, note.detail)
    return {row.name: row.status == "RUNNING" for row in table.rows or () if row.status is not None}


def read(entry: Entry) -> Result:
    """The verdict on one file."""
    name, data = entry.path.name, entry.path.read_bytes()
    for mark, reason in NOT_OURS.items():
        if mark in name:
            return Result(entry.file, UNKNOWN, reason)
    if name.endswith(".json"):
        return printed(entry)
    if "launc" in name and not name.endswith(".plist"):
        text = data.decode("utf-8", "replace")
        columns = [line.split(None, 2) for line in text.splitlines()[1:] if line.strip()]
        listed = {label.strip(): pid != "-" for pid, _, label in columns}
        running = of_list(listed, text)
        return Result(entry.file, RIGHT if running == listed else WRONG, f"said {running}"[:300])
    found = plist.parse(data, name)
    kind = of_munki if "ManagedInstall" in name else next((kind for key, kind in KINDS if key in found), None)
    if kind is None:
        return Result(entry.file, UNKNOWN, "a property list of something we do not ask for")
    said = plain(data)
    ours, wanted = kind(data, said)
    if said is None:
        return Result(entry.file, UNSTATED, f"{ours}"[:200])
    return Result(entry.file, RIGHT if ours == wanted else WRONG, f"said {ours}, stated {wanted}"[:300])


def printed(entry: Entry) -> Result:
    """A command with its output and the fact its owner makes of it."""
    said = json.loads(entry.text())
    if said.get("command") != "launchctl list":
        return Result(entry.file, UNKNOWN, f"we do not run {said.get('command')}")
    running = of_list(sorted(said["fact"]), "\n".join(said["output"]))
    return Result(entry.file, RIGHT if running == said["fact"] else WRONG, f"said {running}"[:300])


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """The verdicts on all raw files."""
    for entry in entries:
        if entry.kind != "raw":
            continue
        try:
            yield read(entry)
        except DAMAGED as error:
            yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}"[:200])
