"""What a distribution says of itself: os-release, lsb-release, release files, and sestatus.

Each file is read on a machine that has it, and what stands beside it, so that the collector's own order counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.collect.os_version import linux as os_version
from muster_agent.collect.settings import linux_protection
from muster_agent.facts import OsVersion
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.system import osrelease

READS = {("linux", "os")}

# distro's own names for some; osquery and we keep what the system says of itself.
RENAMED = {"opensuse-leap": "opensuse", "ol": "oracle"}
RELEASE = re.compile(r"(?:[a-zA-Z]+[-_](?:release|version))\Z")


def row_of(files: dict[str, bytes]) -> OsVersion:
    """The os_version of a PC that has these files. Raises :class:`CannotRead`."""
    table = os_version.collect(SimulatedMachine(Uname("Linux", "pc", "6.1.0", "x86_64"), files))
    assert table.rows is not None
    row = table.rows[0]
    assert isinstance(row, OsVersion)
    return row


def numbers(text: str) -> list[int]:
    """The numbers of a version."""
    return [int(number) for number in re.findall(r"\d{1,9}", text)]


def compared(row: OsVersion, want: dict[str, str]) -> tuple[str, str]:
    """A row with what distro states: id, name, similar systems, and as many numbers of the version as we give. What we
    leave open is unknown."""
    wrong, missing = [], []
    identifier = RENAMED.get(row.platform or "", row.platform)
    pairs = [("platform", identifier, RENAMED.get(want["id"], want["id"]))]
    pairs += [("name", row.name, want["name"])] if "name" in want else []
    pairs += [("like", row.platform_like, want["like"])] if want.get("like") else []
    for what, ours, theirs in pairs:
        if ours is None:
            missing.append(what)
        elif ours != theirs:
            wrong.append(f"{what} {ours} instead of {theirs}")
    stated = numbers(want.get("best_version", want.get("version", "")).partition("-")[0])
    given = [number for number in (row.major, row.minor, row.patch) if number is not None]
    if want.get("version", "")[:1].isdigit():
        if not given:
            missing.append("version")
        elif given[: len(stated)] != stated[: len(given)]:
            wrong.append(f"version {given} instead of {stated}")
    if wrong:
        return WRONG, "; ".join(wrong)
    return (UNKNOWN, "not stated: " + ", ".join(missing)) if missing else (RIGHT, "")


def of_distro(root: str, entries: list[Entry], expected: dict[str, Any]) -> Iterator[Result]:
    """The files of one distribution, as distro recorded them: a link stands as the path it leads to."""
    files = {f"/{entry.file[len(root) :].lstrip('/')}": entry for entry in entries}
    data = {path: entry.path.read_bytes() for path, entry in files.items()}
    for path in [path for path in data if b" " not in data[path].strip() and b"=" not in data[path] and data[path]]:
        said = data[path].decode("utf-8", "replace").strip()
        target = said if said.startswith("/") else f"/etc/{said.rpartition('/')[2]}"
        for place in (target, "/usr/lib/" + target.rpartition("/")[2]):
            if place in data and place != path:
                data[path] = data[place]
    for path, entry in files.items():
        name = path.rpartition("/")[2]
        said = data[path].strip()
        if said and b"=" not in said and len(said.split()) == 1 and not said[:1].isdigit() and "version" not in name:
            yield Result(entry.file, UNKNOWN, "a link to a file that was not recorded")
            continue
        try:
            if path in osrelease.PLACES:
                want = expected.get("os_release")
                alone = {key: value for key, value in data.items() if key == path or name not in key}
                verdict = compared(row_of(alone), want) if want else (UNSTATED, "")
            elif RELEASE.match(name) and name.partition("-")[0] not in ("oem", "lsb"):
                want = expected.get("dist_release")
                row = row_of({f"/etc/{name}": data[path]})
                versions = name.endswith("_version")
                if want and want["id"] == name.partition("-")[0].lower():  # distro takes it from the file's name
                    want = {**want, "id": row.platform or ""}
                verdict = compared(row, want) if want and not versions else (UNSTATED, "")
            elif name == "lsb-release":
                row_of({"/etc/lsb-release": data[path]})
                verdict = (UNSTATED, "")
            else:
                verdict = (UNKNOWN, "not a file the agent reads")
        except CannotRead as error:
            verdict = (UNKNOWN, str(error))
        yield Result(entry.file, *verdict)


def of_glpi(entry: Entry, entries: dict[str, Entry], expected: dict[str, Any]) -> tuple[str, str]:
    """os-release-debian-11.2 and debian_version-debian-11.2 are of one machine."""
    name = entry.path.name
    key = next((key for key in expected if name.endswith("-" + key)), None)
    if key is None:
        return UNSTATED, ""
    beside = [other for other in entries.values() if other.path.name.endswith("-" + key)]
    row = row_of({f"/etc/{other.path.name[: -len(key) - 1]}": other.path.read_bytes() for other in beside})
    want = expected[key]
    ours = [number for number in (row.major, row.minor, row.patch) if number is not None]
    if row.name != want["NAME"] or ours != numbers(want["VERSION"])[: len(ours)] or not ours:
        return WRONG, f"{row.name} {ours} instead of {want}"
    return RIGHT, ""


def of_pyinfra(said: dict[str, Any]) -> tuple[str, str]:
    """The release files of one machine, printed one after the other; or sestatus."""
    command, fact = said.get("command", ""), said.get("fact")
    if command == "sestatus":
        return (
            (RIGHT, "") if linux_protection.parse_sestatus("\n".join(said["output"])) == fact["mode"] else (WRONG, "")
        )
    if "release" not in command or "cat" not in command:
        return UNKNOWN, "a command the agent does not run"
    files: dict[str, list[str]] = {}
    place = ""
    for line in said["output"]:
        if line.startswith("/etc/"):
            place = line
            files[place] = []
        elif line != "---":
            files.setdefault(place, []).append(line)
    want = fact if isinstance(fact, dict) else {"name": fact}
    try:
        row = row_of({path: "\n".join(lines).encode() for path, lines in files.items() if path})
    except CannotRead as error:
        return (RIGHT, "") if want["name"] is None else (UNKNOWN, str(error))
    wrong = [
        f"{ours} instead of {want[key]}"
        for key, ours in (("name", row.name), ("major", row.major), ("minor", row.minor))
        if key in want
        and want[key] != ours
        and ours is not None
        # pyinfra shortens some names: CentOS for CentOS Linux
        and not (key == "name" and str(ours).startswith(str(want[key])))
    ]
    return (WRONG, "; ".join(wrong)) if wrong else (RIGHT, "")


def single(entry: Entry, text: str, expected: Entry | None) -> tuple[str, str]:
    """One file by itself."""
    if expected is not None and re.search(r"^(?:ID|NAME|PRETTY_NAME)=", text, re.MULTILINE):
        theirs = json.loads(expected.text())
        theirs = theirs[0] if isinstance(theirs, list) else theirs
        ours = osrelease.parse(text)
        if ours == theirs:
            return RIGHT, ""
        differing = [f"{name}={ours[name]}" for name in ours if ours[name] != theirs.get(name)]
        return (WRONG, ", ".join(differing)[:200]) if differing else (UNKNOWN, "some lines are missing or cut off")
    if re.search(r"^SELinux status:|^Current mode:", text, re.MULTILINE):
        linux_protection.parse_sestatus(text)
        return UNSTATED, ""
    if re.search(r"^(?:ID|NAME|PRETTY_NAME)=", text, re.MULTILINE):
        row = row_of({"/etc/os-release": text.encode()})
        return (UNSTATED, "") if row.name else (UNKNOWN, "no name")
    if text.strip().count("\n") == 0 and osrelease.parse_release(text).get("VERSION_ID"):
        row_of({"/etc/redhat-release": text.encode()})
        return UNSTATED, ""
    return UNKNOWN, "nothing the agent reads: it asks the kernel and the files themselves"


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    by_file = {entry.file: entry for entry in entries}
    raw = {file: entry for file, entry in by_file.items() if entry.kind == "raw"}
    folders: dict[str, list[Entry]] = {}
    for file, entry in raw.items():
        found = re.match(r"(.*/distro/[^/]+)/", file)
        if found:
            folders.setdefault(found.group(1), []).append(entry)
    for root, members in folders.items():
        stated = by_file.get(root.rpartition("/")[0] + "/expected.json")
        said = json.loads(stated.text()) if stated else {}
        yield from of_distro(root, members, said.get(root.rpartition("/")[2], {}))
    for file, entry in raw.items():
        if "/distro/" in file:
            continue
        folder = file.rpartition("/")[0]
        try:
            text = entry.text()
            if entry.path.suffix == ".json":
                verdict = of_pyinfra(json.loads(text))
            elif folder.endswith("/glpi"):
                beside = {name: one for name, one in raw.items() if name.startswith(folder + "/")}
                stated = by_file.get(folder + "/expected.json")
                verdict = of_glpi(entry, beside, json.loads(stated.text()) if stated else {})
            else:
                verdict = single(entry, text, by_file.get(re.sub(r"(\.out)?\Z", ".json", file, count=1)))
        except (CannotRead, ValueError, KeyError, TypeError, AttributeError) as error:
            verdict = (UNKNOWN, f"{type(error).__name__}: {error}"[:200])
        yield Result(file, *verdict)
