"""What Windows PCs call themselves in ``systeminfo``, against our table of the operating system.

The agent reads the registry, which no recording here holds, so the key is put together from what systeminfo printed: a
Windows 11 whose registry says Windows 10, as they all do. systeminfo speaks the language of the PC; the third line of
it, with the version, and the second, with the name, are told by their form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, WRONG, Entry, Result

from muster_agent.collect import collect_table
from muster_agent.current_version import KEY
from muster_agent.facts import OsVersion
from muster_agent.machine import Uname
from muster_agent.recording import RecordedMachine, Recording

READS = {("windows", "os")}

# Name of the system, then 10.0.17134 N/A Build 17134, or 6.1.7601 Service Pack 1 Build 7601.
SYSTEM = re.compile(
    r"^[^\n:]{1,60}:[ \t]+(?P<name>[^\n]*Windows[^\n]*)\n"
    r"[^\n:]{1,60}:[ \t]+(?P<major>[0-9]{1,2})\.(?P<minor>[0-9]{1,2})\.(?P<build>[0-9]{4,6})[ \t]+(?P<rest>[^\n]*)$",
    re.MULTILINE,
)
SERVICE_PACK = re.compile(r"Service Pack [0-9]")
OLDEST = (6, 1)  # Windows 7: no Python that the agent runs on exists for the ones before it


def row_of(printed: dict[str, str]) -> OsVersion | None:
    """Our row for the PC that printed this; None when it could not be read."""
    product = printed["name"][printed["name"].index("Windows") :].strip()
    server = "Server" in product
    if int(printed["build"]) >= 22000 and not server:
        product = product.replace("Windows 11", "Windows 10")
    key: dict[str, Any] = {"ProductName": product, "CurrentBuild": printed["build"]}
    key["InstallationType"] = "Server" if server else "Client"
    if printed["major"] == "10":
        key.update(CurrentMajorVersionNumber=10, CurrentMinorVersionNumber=int(printed["minor"]))
    else:
        key["CurrentVersion"] = f"{printed['major']}.{printed['minor']}"
    pack = SERVICE_PACK.search(printed["rest"])
    if pack:
        key["CSDVersion"] = pack.group()
    apis: dict[tuple[str, ...], Any] = {("GetNativeSystemInfo",): {"architecture": "AMD64", "processors": 1}}
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, values={KEY: key}, apis=apis)
    rows = collect_table(RecordedMachine(recording), "os_version").rows
    return rows[0] if rows else None


def result(entry: Entry) -> Result:
    """The verdict on one recording."""
    found = SYSTEM.search(entry.text().replace("\r\n", "\n").replace("\r", "\n"))
    if found is None:
        return Result(entry.file, UNKNOWN, "no name and version of a system in it")
    printed = found.groupdict()
    if (int(printed["major"]), int(printed["minor"])) < OLDEST:
        return Result(entry.file, UNKNOWN, "older than Windows 7: the agent does not run on it")
    row = row_of(printed)
    if row is None:
        return Result(entry.file, UNKNOWN, "our table could not be read")
    stated = {"os_name": printed["name"], "os_version": f"{printed['major']}.{printed['minor']}.{printed['build']}"}
    parsed = entry.path.with_suffix(".json")
    if parsed.is_file():  # what another program made of it
        stated = json.loads(parsed.read_text("utf-8"))
    said = f"{row.name}, {row.version}"
    right = str(row.name) in stated["os_name"] and stated["os_version"].startswith(
        f"{row.major}.{row.minor}.{row.build}"
    )
    return Result(entry.file, RIGHT if right else WRONG, "" if right else f"said {said}, stated {stated['os_name']}")


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    yield from (result(entry) for entry in entries if entry.kind == "raw")
