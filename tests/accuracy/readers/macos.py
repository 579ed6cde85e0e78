"""Recordings of macOS: property lists and what its programs print."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent import plist
from muster_agent.collect.firewall.darwin import by_settings
from muster_agent.collect.os_version import darwin as os_version
from muster_agent.collect.packages.darwin import program
from muster_agent.collect.updates.darwin import MUNKI, of_munki
from muster_agent.launchd import jobs, launchctl
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import RecordedMachine, of_files

READS = {("macos", topic) for topic in ("firewall", "os", "packages", "patches", "services")}
NOT_OURS = {
    "SPApplications": "system_profiler takes seconds and finds programs anywhere on the disk: folders are read instead",
    "system_profile": "system_profiler is not asked: sysctl and SystemVersion.plist tell the same at once",
    "profiles_stdout": "configuration profiles are read where they take effect",
    "brew": "brew is not run: its Cellar is read",
    "dscacheutil": "the directory service is asked through dscl",
    "ps-": "processes come from psutil",
}


def mac(path: str, data: bytes) -> RecordedMachine:
    """A Mac that has one file."""
    recording = of_files(Uname("Darwin", "mac", "23.6.0", "x86_64"), {path: data}, 0)
    recording.platform = "darwin"
    return RecordedMachine(recording, whole=True)


def firewall_state(data: bytes) -> str:
    """The state of the application firewall in its settings."""
    return str(by_settings(mac("/Library/Preferences/com.apple.alf.plist", data)))


def system(data: bytes) -> str:
    """Name, version and build, as the table holds them."""
    (row,) = os_version.collect(mac(os_version.PATH, data)).rows or ()
    return f"{row.name} {row.version} {row.build}"


def stated(entry: Entry, data: bytes) -> str | None:
    """What the property list of a system says in plain words, read without our code; None where it has no such keys."""
    text = data.decode("utf-8", "replace")
    values = []
    for key in ("ProductName", "ProductVersion", "ProductBuildVersion"):
        _, found, rest = text.partition(f"<key>{key}</key>")
        if not found:
            return None
        values.append(rest.partition("<string>")[2].partition("</string>")[0])
    return " ".join(values)


def read(entry: Entry) -> Result:
    """The verdict on one file."""
    name, data = entry.path.name, entry.path.read_bytes()
    for mark, reason in NOT_OURS.items():
        if mark in name:
            return Result(entry.file, UNKNOWN, reason)
    if name.endswith(".json"):
        return printed(entry)
    if "launc" in name and not name.endswith(".plist"):
        launchctl.listed(data.decode("utf-8", "replace"))
        return Result(entry.file, UNSTATED)
    found = plist.parse(data, name)
    if "ManagedInstall" in name:
        list(of_munki(mac(MUNKI, data)))
    elif "ProductBuildVersion" in found:
        said, want = system(data), stated(entry, data)
        return Result(entry.file, RIGHT if said == want else WRONG, f"{said} instead of {want}")
    elif "globalstate" in found:
        return Result(entry.file, RIGHT if firewall_state(data) == str(found["globalstate"]) else WRONG)
    elif "Label" in found:
        jobs.job(found, name)
    elif "CFBundleIdentifier" in found or "CFBundleName" in found:
        row = program(mac("/Applications/X.app/Contents/Info.plist", data), "/Applications/X.app")
        want = found.get("CFBundleShortVersionString") or found.get("CFBundleVersion")
        return Result(entry.file, RIGHT if row and row.version == want else WRONG, f"{row} instead of {want}")
    else:
        return Result(entry.file, UNKNOWN, "a property list of something we do not ask for")
    return Result(entry.file, UNSTATED)


def printed(entry: Entry) -> Result:
    """A command with its output and the fact its owner makes of it."""
    said = json.loads(entry.text())
    if said.get("command") == "launchctl list":
        found = launchctl.listed("\n".join(said["output"]))
        return Result(entry.file, RIGHT if found == said["fact"] else WRONG, f"{found}")
    return Result(entry.file, UNKNOWN, f"we do not run {said.get('command')}")


def score(entries: list[Entry]) -> Iterator[Result]:
    """The verdicts on all raw files."""
    for entry in entries:
        if entry.kind != "raw":
            continue
        try:
            yield read(entry)
        except CannotRead as error:
            yield Result(entry.file, UNKNOWN, str(error))
