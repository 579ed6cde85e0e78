"""Pending updates as yum, dnf, zypper and apt print them, against what the tools of others make of the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.machine import CannotRead
from muster_agent.system.deb import simulation
from muster_agent.system.rpm import check_update, nevra, updateinfo, zypper

READS = {("linux", "updates")}

APT = re.compile(r"(?m)^(?:Inst|Conf|Remv) \S+ [\[(]")
TRANSACTION = re.compile(r"(?m)^(?:Resolving Dependencies|Dependencies resolved\.|Transaction Summary)")
ZYPPER = re.compile(
    r"(?m)^(?:S +\| .*\| Name|Repository +\| Name|No updates found\.|Loading repository data)|<update-status"
)
ADVICE = re.compile(r"(?m)^(?:i )?\S+ +(?:security|bugfix|enhancement|newpackage|\w+/Sec\.) +\S+\.\w+")
CHECK_UPDATE = re.compile(r"(?m)^[^\s:]+\.[a-z0-9_]+(?:[ \t]+(?:[0-9]+:)?[^\s:-]+-[^\s:-]+[ \t]+\S+[ \t]*)?$")


def go_packages(text: str) -> set[tuple[str, str, str]]:
    """(name, architecture, version) in an expected file of osconfig, which is how Go prints them."""
    found = re.findall(r'Name:\s+"(.*?)",\s+Arch:\s+"(.*?)",\s+RawArch:\s+"(.*?)",\s+Version:\s+"(.*?)"', text)
    return {(name, raw or arch, version) for name, arch, raw, version in found}


def verdict(file: str, ours: Any, theirs: Any, agree: bool) -> Result:
    """Right, or what was said and what should have been."""
    if agree:
        return Result(file, RIGHT)
    return Result(file, WRONG, f"ours alone: {sorted(ours - theirs)[:3]}, theirs alone: {sorted(theirs - ours)[:3]}")


def of_check_update(entry: Entry, text: str, said: list[dict[str, str]] | None, unwanted: list[str]) -> Result:
    """yum and dnf. puppet states some of the packages, and names that stand in noise and must not come out."""
    offered, _ = check_update.parse(text)
    ours = {(one.name, one.arch, one.version) for one in offered}
    bad = [word for word in unwanted if any(word.split(" ")[0] == name for name, _, _ in ours)]
    if bad:
        return Result(entry.file, WRONG, f"no packages: {bad}")
    if said is not None:
        theirs = {(one["name"], one["arch"], nevra.evr(one["epoch"], one["version"], one["release"])) for one in said}
        return verdict(entry.file, theirs, ours, theirs <= ours)
    return Result(entry.file, UNSTATED)


def of_zypper(entry: Entry, text: str, go: str) -> Result:
    """Packages and patches."""
    rows = zypper.parse(text.encode())
    if not go:
        return Result(entry.file, UNSTATED)
    if "ZypperPatch" in go:
        found = re.findall(r'Name:"(.*?)", Category:"(.*?)", Severity:"(.*?)"', go)
        ours = {(row.name, row.category, row.severity) for row in rows if row.kind == "patch"}
        return verdict(entry.file, ours, set(found), ours == set(found))
    ours = {(row.name, row.available) for row in rows if row.kind == "package"}
    theirs = {(name, version) for name, _, version in go_packages(go)}
    return verdict(entry.file, ours, theirs, ours == theirs)


def of_apt(entry: Entry, text: str, go: str) -> Result:
    """apt: all osconfig expects; it leaves out lines with marks behind them, which are upgrades as well."""
    pending, _ = simulation.parse(text)
    ours = {(one.name, one.available) for one in pending}
    if not go:
        return Result(entry.file, UNSTATED)
    theirs = {(name, version) for name, _, version in go_packages(go)}
    return verdict(entry.file, theirs, ours, theirs <= ours)


def of_updateinfo(entry: Entry, text: str, said: dict[str, Any] | None) -> Result:
    """Advisories of yum and dnf; insights states how many there are, and the first."""
    found = updateinfo.parse(text)
    if said is None:
        return Result(entry.file, UNSTATED)
    first = found[0]
    ours = {("count", len(found)), ("advisory", first.advisory), ("type", first.kind)}
    ours.add(("package", f"{first.name}-{first.version}.{first.arch}"))
    theirs = {("count", said["count"]), *said["first"].items()}
    return verdict(entry.file, ours, theirs, ours == theirs)


def _scored(entry: Entry, folder: dict[str, Any], beside: dict[str, str]) -> Result:
    text, name = entry.text(), entry.path.name
    go = beside.get(re.sub(r"\.stdout$", ".expected", name), "")
    said = folder.get(name, folder.get(name.rpartition(".")[0]))
    if APT.search(text):
        return of_apt(entry, text, go)
    if TRANSACTION.search(text):
        return Result(entry.file, UNKNOWN, "a transaction; the agent asks what is on offer (check-update)")
    if ZYPPER.search(text):
        return of_zypper(entry, text, go)
    if ADVICE.search(text):
        return of_updateinfo(entry, text, said)
    if CHECK_UPDATE.search(text):
        unwanted = folder.get("must not be reported as packages", [])
        return of_check_update(entry, text, said, unwanted)
    return Result(entry.file, UNKNOWN, "the agent does not ask this")


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A verdict on each raw file."""
    files = list(entries)
    folders: dict[str, dict[str, Any]] = {}
    beside: dict[str, dict[str, str]] = {}
    for entry in files:
        if entry.kind == "raw":
            continue
        where = entry.file.rpartition("/")[0]
        if entry.path.name == "expected.json":
            folders[where] = json.loads(entry.text())
        else:
            beside.setdefault(where, {})[entry.path.name] = entry.text()
    for entry in files:
        if entry.kind != "raw":
            continue
        where = entry.file.rpartition("/")[0]
        try:
            yield _scored(entry, folders.get(where, {}), beside.get(where, {}))
        except CannotRead as error:
            yield Result(entry.file, UNKNOWN, str(error))
        except (ValueError, KeyError, IndexError) as error:  # damaged, or of another tool
            yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}"[:120])
