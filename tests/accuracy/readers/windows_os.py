"""What Windows PCs call themselves in ``systeminfo``, against our table of the operating system.

The agent reads the registry, which no recording here holds, so the key is put together from what systeminfo printed: a
Windows 11 whose registry says Windows 10, as they all do. systeminfo speaks the language of the PC; the third line of
it, with the version, and the second, with the name, are told by their form. The product, its version, its architecture
and its edition are compared with those lines word by word, or with what another program made of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.collect import collect_table
from muster_agent.facts import OsVersion
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.system.current_version import KEY

READS = {("windows", "os")}

# Name of the system, then 10.0.17134 N/A Build 17134, or 6.1.7601 Service Pack 1 Build 7601.
SYSTEM = re.compile(
    r"^[^\n:]{1,60}:[ \t]+(?P<name>[^\n]*Windows[^\n]*)\n"
    r"[^\n:]{1,60}:[ \t]+(?P<major>[0-9]{1,2})\.(?P<minor>[0-9]{1,2})\.(?P<build>[0-9]{4,6})[ \t]+(?P<rest>[^\n]*)$",
    re.MULTILINE,
)
SERVICE_PACK = re.compile(r"Service Pack [0-9]")
KIND = re.compile(r"(?m)^[^\n:]{1,60}:[ \t]+(x64|X86|ARM64)-based PC[ \t]*$")
ARCHITECTURES = {"x64": "AMD64", "X86": "x86", "ARM64": "ARM64"}
# The edition as its name is printed, and its EditionID.
EDITIONS = {
    "Home": "Core",
    "Pro": "Professional",
    "Professional": "Professional",
    "Pro for Workstations": "ProfessionalWorkstation",
    "Enterprise": "Enterprise",
    "Enterprise LTSC": "EnterpriseS",
    "Education": "Education",
    "Ultimate": "Ultimate",
}
SERVER_EDITIONS = {"Standard": "ServerStandard", "Datacenter": "ServerDatacenter"}
OLDEST = (6, 1)  # Windows 7: no Python that the agent runs on exists for the ones before it


def product_and_edition(name: str) -> tuple[str, str | None] | None:
    """Windows 10, Windows 8.1, Windows Server 2012 R2, and the EditionID; None for a name of another form. The
    EditionID is None where the words are not known."""
    words = name[name.index("Windows") :].split()
    server = words[1:2] == ["Server"]
    length = 3 if server else 2
    if len(words) < length or not re.fullmatch("[0-9]{4}" if server else r"[0-9]{1,2}(\.[0-9])?", words[length - 1]):
        return None
    length += server and words[length : length + 1] == ["R2"]
    return " ".join(words[:length]), (SERVER_EDITIONS if server else EDITIONS).get(" ".join(words[length:]))


def row_of(printed: dict[str, str], arch: str | None, edition: str | None) -> OsVersion | None:
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
    if edition is not None:
        key["EditionID"] = edition
    apis: dict[tuple[str, ...], Any] = {("GetNativeSystemInfo",): {"architecture": arch, "processors": 1}}
    recording = Recording("windows", Uname("Windows", "pc", "10", "unlike any"), True, values={KEY: key}, apis=apis)
    rows = collect_table(RecordedMachine(recording), "os_version").rows
    return rows[0] if rows else None


def result(entry: Entry) -> Result:
    """The verdict on one recording."""
    text = entry.text().replace("\r\n", "\n").replace("\r", "\n")
    found = SYSTEM.search(text)
    if found is None:
        return Result(entry.file, UNKNOWN, "no name and version of a system in it")
    printed = found.groupdict()
    if (int(printed["major"]), int(printed["minor"])) < OLDEST:
        return Result(entry.file, UNKNOWN, "older than Windows 7: the agent does not run on it")
    kind = KIND.search(text)
    stated = {
        "os_name": printed["name"],
        "os_version": f"{printed['major']}.{printed['minor']}.{printed['build']} {printed['rest']}",
        "system_type": f"{kind.group(1)}-based PC" if kind else None,
    }
    parsed = entry.path.with_suffix(".json")
    if parsed.is_file():  # what another program made of it
        said = json.loads(parsed.read_text("utf-8"))
        if any(str(said[name]).split() != str(value).split() for name, value in stated.items()):
            return Result(entry.file, UNKNOWN, "the output is damaged: it is not the one of which something is stated")
        stated = {name: said[name] for name in stated}
    return compared(entry, printed, stated)


def compared(entry: Entry, printed: dict[str, str], stated: dict[str, Any]) -> Result:
    """The verdict on our row for ``printed``, by what is ``stated``."""
    named = product_and_edition(stated["os_name"])
    if named is None:
        return Result(entry.file, UNSTATED, f"where the edition begins in {stated['os_name']!r} is not known")
    product, edition = named
    if product in ("Windows 10", "Windows 11") and (product == "Windows 11") is not (int(printed["build"]) >= 22000):
        return Result(entry.file, UNKNOWN, f"the recording contradicts itself: {product}, build {printed['build']}")
    arch = ARCHITECTURES.get((stated["system_type"] or "").partition("-")[0])
    row = row_of(printed, arch, edition)
    if row is None:
        return Result(entry.file, UNKNOWN, "our table could not be read")
    numbers = stated["os_version"].split()[0]
    pack = SERVICE_PACK.search(stated["os_version"])
    wanted = {
        "name": product,
        "version": f"{numbers} {pack.group()}" if pack else numbers,
        "numbers": numbers,
        "build": numbers.split(".")[2],
        "arch": arch,
        "edition": edition,
    }
    ours = {
        "name": row.name,
        "version": row.version,
        "numbers": f"{row.major}.{row.minor}.{row.patch}",
        "build": row.build,
        "arch": row.arch,
        "edition": row.edition,
    }
    wrong = {name: (ours[name], value) for name, value in wanted.items() if ours[name] != value}
    return Result(entry.file, WRONG if wrong else RIGHT, f"said and stated: {wrong}" if wrong else "")


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    for entry in entries:
        if entry.kind != "raw":
            continue
        try:
            yield result(entry)
        except (ValueError, KeyError, TypeError, AttributeError, CannotRead) as error:
            yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}"[:200])
