"""Installed packages as rpm, dpkg, pacman and apk list them, against what the tools of others make of the same.

The forms differ (query formats, pages, JSON); what a value means does not. A form is taken apart here, and the values
go through the agent's own readers: of tags of rpm, of dpkg's database, of pacman's and apk's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.collect.packages import beside
from muster_agent.machine import CannotRead
from muster_agent.system.deb import simulation, status
from muster_agent.system.rpm import check_update, installed, nevra

READS = {("linux", "packages")}

Row = dict[str, str]  # name, version, arch, source, source_version; what is not known is left out
ABBREVIATED = {"i": "install", "h": "hold", "r": "deinstall", "p": "purge", "u": "unknown"}
STATES = {"i": "installed", "c": "config-files", "U": "unpacked", "F": "half-configured", "H": "half-installed"}
QF = re.compile(r"(?P<name>\S+)[ \t]+(?P<evr>(?:[0-9]+:)?[^\s:-]+-[^\s:-]+)(?:[ \t]+(?P<arch>\w+))?")
OF_A_PAGE = ("Name", "Epoch", "Version", "Release", "Architecture", "Source RPM")
DPKG_L = re.compile(r"([ihrpu])([icUFHWtn])([R ]?)\s+(\S+)\s+(\S+)\s+(\S+)(?:\s.*)?")


def of_rpm(name: str, epoch: str, version: str, release: str, arch: str, source: str = "") -> Row | None:
    """One package by the agent's reader of rpm's tags; None for a publisher's key. Raises ``not_understood``."""
    try:
        package = installed.of_tags([name, epoch, version, release, arch, source, ""])
    except ValueError as error:
        raise CannotRead("not_understood", str(error)) from error
    if package is None:
        return None
    row = {"name": package.name, "version": package.version, "arch": package.arch}
    return {**row, "source": package.source, "source_version": package.source_version} if package.source else row


def of_dpkg(paragraphs: list[dict[str, str]]) -> list[Row]:
    """Packages by the agent's reader of dpkg's database."""
    text = "\n\n".join("\n".join(f"{key}: {value}" for key, value in one.items()) for one in paragraphs)
    return [
        {
            "name": package.name,
            "version": package.version,
            "arch": package.arch,
            "source": package.source,
            "source_version": package.source_version,
        }
        for package in status.parse(text.encode(), "dpkg")
    ]


# -- the forms of rpm ------------------------------------------------------------------------------------------------


def rpm_json(lines: list[str]) -> list[Row]:
    """One JSON object a line."""
    rows = []
    for line in lines:
        said = json.loads(line)
        name, arch = said.get("name") or said.get("package"), said.get("arch") or said.get("architecture")
        source = said.get("srpm") or said.get("source_name") or ""
        epoch, version, release = said.get("epoch", ""), said["version"], said.get("release")
        if release is None:
            whole = nevra.EVR.fullmatch(version)
            if whole is None:
                raise CannotRead("not_understood", line[:80])
            epoch, version, release = whole["epoch"] or "", whole["version"], whole["release"]
        rows.append(of_rpm(name, str(epoch), version, release, arch, source))
    return [row for row in rows if row is not None]


def rpm_pages(text: str) -> list[Row]:
    """``rpm -qi``: pages of "Name        : x", with a description at their end that may hold anything."""
    rows = []
    for page in re.split(r"(?m)^(?=Name[ \t]+: )", text):
        said: dict[str, str] = {}
        for line in page.splitlines():
            key, colon, value = line.partition(":")
            if key.strip() == "Description":
                break
            if colon:
                said.setdefault(key.strip(), value.strip())
        if said:
            wanted = [
                said.get(key, "") for key in ("Name", "Epoch", "Version", "Release", "Architecture", "Source RPM")
            ]
            rows.append(of_rpm(*wanted))
    return [row for row in rows if row is not None]


def rpm_lines(lines: list[str]) -> list[Row]:
    """``rpm -qa``: name-version-release.arch first, or name, version-release and arch in columns."""
    rows = []
    for line in lines:
        words = line.split()
        columns = QF.fullmatch(line.strip())
        whole = nevra.split(words[0])
        if whole is not None:
            rows.append({"name": whole.name, "version": whole.version, "arch": whole.arch})
        elif words[0].startswith(f"{installed.KEYS}-"):
            continue
        elif columns is not None and (columns["arch"] is None or columns["arch"] in nevra.ARCHITECTURES):
            rows.append({"name": columns["name"], "version": columns["evr"], "arch": columns["arch"] or ""})
        else:
            raise CannotRead("not_understood", line[:80])
    return rows


def of_an_rpm_list(text: str) -> list[Row]:
    """Any of them. What rpm complains of stands between the packages: an error means that some are missing."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("warning:", "COMMAND>"))]
    for line in lines:
        if re.match(r"error:|rpmdb:", line):
            raise CannotRead("rpm_database_damaged", line[:80])
    if any(re.match(r"Name[ \t]+: ", line) for line in lines):
        return rpm_pages(text)
    return rpm_json(lines) if lines and lines[0].startswith("{") else rpm_lines(lines)


# -- the forms of dpkg and pacman ------------------------------------------------------------------------------------


def dpkg_json(lines: list[str]) -> list[Row]:
    """One JSON object a line."""
    paragraphs = []
    for line in lines:
        said = json.loads(line)
        paragraph = {"Package": said["package"], "Status": f"install ok {said['status']}"}
        paragraph |= {"Architecture": said["architecture"], "Version": said["version"]}
        paragraph["Source"] = f"{said['source_name']} ({said['source_version']})"
        paragraphs.append(paragraph)
    return of_dpkg(paragraphs)


def dpkg_table(lines: list[str]) -> list[Row]:
    """``dpkg -l``: two letters, name, version, architecture."""
    paragraphs = []
    for line in lines:
        found = DPKG_L.fullmatch(line)
        if found is None:
            raise CannotRead("not_understood", line[:80])
        want, state, _, name, version, arch = found.groups()
        said = f"{ABBREVIATED[want]} ok {STATES.get(state, 'not-installed')}"
        name = name.partition(":")[0]
        paragraphs.append({"Package": name, "Status": said, "Version": version, "Architecture": arch})
    return of_dpkg(paragraphs)


def dpkg_tabs(lines: list[str]) -> list[Row]:
    """``dpkg-query --show`` with tabs: name, architecture, version, size, section, and the status where asked for."""
    paragraphs = []
    for line in lines:
        fields = [*line.split("\t"), "", ""]
        said = fields[5] or "install ok installed"
        paragraphs.append({"Package": fields[0], "Status": said, "Version": fields[2], "Architecture": fields[1]})
    return of_dpkg(paragraphs)


def pacman_pages(text: str) -> list[Row]:
    """``pacman -Qi``: the fields of a desc file, under the names people see."""
    rows = []
    for page in re.split(r"(?m)^(?=Name[ \t]+: )", text):
        said = dict(re.findall(r"(?m)^(Name|Version|Architecture)[ \t]+: (.*)$", page))
        if said:
            desc = f"%NAME%\n{said['Name']}\n\n%VERSION%\n{said['Version']}\n\n%ARCH%\n{said['Architecture']}\n"
            package = beside.of_pacman(desc, "pacman")
            rows.append({"name": package.name or "", "version": package.version or "", "arch": package.arch or ""})
    return rows


def pacman_lines(lines: list[str]) -> list[Row]:
    """``pacman -Q``: name and version."""
    rows = []
    for line in lines:
        name, version = line.split()
        package = beside.of_pacman(f"%NAME%\n{name}\n\n%VERSION%\n{version}\n", "pacman")
        rows.append({"name": package.name or "", "version": package.version or ""})
    return rows


def rows_of(path: Path, text: str) -> list[Row] | None:
    """What our readers make of a file; None for a kind the agent has no use for. Raises ``not_understood``."""
    lines = [line for line in text.splitlines() if line.strip()]
    first, name = (lines[0] if lines else ""), path.name.lower()
    if "dpkg" in name and first.startswith('{"arch'):
        return dpkg_json(lines)
    if re.match(r"Package: ", first):
        return of_dpkg_database(text)
    if DPKG_L.fullmatch(first) and "rpm" not in name and "xbps" not in name:
        return dpkg_table(lines)
    if "dpkg" in name and "\t" in first:
        return dpkg_tabs(lines)
    if name.startswith("pacman") and re.match(r"Name[ \t]+: ", first):
        return pacman_pages(text)
    if first == "%NAME%":
        return [_plain(beside.of_pacman(text, path.name))]
    if re.match(r"C:Q1|P:", first):
        return [_plain(package) for package in beside.of_apk(text)]
    if name.startswith("snap") and name.endswith((".yaml", ".yml")):
        return [_plain(beside.of_snap(text, path.name))]
    if re.search(r"(?m)^(?:Installed|Available) Packages$", text):
        offered, _ = check_update.parse(text)
        return [{"name": one.name, "version": one.version, "arch": one.arch} for one in offered]
    if re.search(r"rpm", name) and not text.startswith("\x00") and "\x00\x00" not in text:
        return of_an_rpm_list(text)
    return None


def of_dpkg_database(text: str) -> list[Row]:
    """dpkg's own database, or paragraphs of it."""
    keys = ("name", "version", "arch", "source", "source_version")
    found = status.parse(text.encode(), "status")
    return [{key: getattr(package, key) for key in keys} for package in found]


def _plain(package: Any) -> Row:
    return {key: getattr(package, key) or "" for key in ("name", "version", "arch", "source", "source_version")}


# -- what others say -------------------------------------------------------------------------------------------------


def stated(entry: Entry, path: Path) -> list[Row]:
    """The packages in an expected file: of jc and glpi-agent in JSON, of osconfig as Go prints it."""
    text = path.read_text("utf-8")
    if path.suffix == ".want":
        found = re.findall(
            r'Name:\s+"(.*?)",\s+Arch:\s+"(.*?)",.*?Version:\s+"(.*?)",'
            r'.*?Source:\s+\S+\{(?:Name:"(.*?)", Version:"(.*?)")?\}',
            text,
            re.DOTALL,
        )
        keys = ("name", "go_arch", "version", "source", "source_version")
        rows = [dict(zip(keys, one, strict=True)) for one in found]
        return [row for row in rows if row["name"] != installed.KEYS]  # osconfig takes a publisher's key for a package
    rows = []
    for said in json.loads(text):
        if "NAME" in said:
            row = {"name": said["NAME"], "version": said["VERSION"], "arch": said.get("ARCH", "")}
            rows.append(row | ({"epoch": "left out"} if said.get("FROM") is None else {}))
        else:
            epoch = str(said.get("epoch") or "")
            rows.append(
                {
                    "name": said["name"],
                    "version": nevra.evr(epoch, said["version"], said["release"]),
                    "arch": said.get("architecture", ""),
                    "srpm": said.get("source_rpm", ""),
                }
            )
    # glpi-agent names no system for pacman's packages, and leaves their epochs out.
    return [row for row in rows if row["name"] != installed.KEYS]


GO_ARCHITECTURES = {"noarch": "all", "amd64": "x86_64", "arm64": "aarch64", "i386": "x86_32", "i686": "x86_32"}


def agrees(ours: Row, theirs: Row) -> bool:
    """Whether two rows say the same, in what both say."""
    version = ours["version"].rpartition(":")[2] if "epoch" in theirs else ours["version"]
    if (ours["name"], version) != (theirs["name"], theirs["version"]):
        return False
    if "go_arch" in theirs and GO_ARCHITECTURES.get(ours["arch"], ours["arch"]) != theirs["go_arch"]:
        return False
    if theirs.get("arch") and theirs["arch"] != ours.get("arch"):
        return False
    srpm = theirs.get("srpm") or (theirs["source"] if theirs.get("source", "").endswith(".src.rpm") else "")
    if srpm:
        return f"{ours.get('source')}-{ours.get('source_version', '').rpartition(':')[2]}.src.rpm" == srpm
    if theirs.get("source"):
        return (ours.get("source"), ours.get("source_version")) == (theirs["source"], theirs["source_version"])
    return True


def compared(file: str, ours: list[Row], theirs: list[Row]) -> Result:
    """The verdict on two lists, in any order."""
    key = lambda row: (row["name"], row["version"], row.get("arch", ""))  # noqa: E731
    ours, theirs = sorted(ours, key=key), sorted(theirs, key=key)
    if len(ours) != len(theirs):
        return Result(file, WRONG, f"{len(ours)} packages, stated are {len(theirs)}")
    for one, other in zip(ours, theirs, strict=True):
        if not agrees(one, other):
            return Result(file, WRONG, f"{one}, stated is {other}")
    return Result(file, RIGHT)


# -- files that hold command, output and fact in one (pyinfra) -------------------------------------------------------


def of_pyinfra(entry: Entry, said: dict[str, Any]) -> Result:
    """One such file."""
    command, lines, fact = str(said.get("command", "")), list(map(str, said["output"])), said.get("fact")
    if command.startswith(("dpkg -l", "dpkg --list")):
        rows = dpkg_table([line for line in lines if DPKG_L.fullmatch(line)])
        versions: dict[str, list[str]] = {}
        for row in rows:
            versions.setdefault(row["name"], []).append(row["version"])
        return _same(entry, versions, fact)
    if command.startswith(("dpkg -s", "dpkg --status")):
        rows = of_dpkg_database("\n".join(lines))
        if fact in (None, {}, []):
            return _same(entry, rows, [])
        return _same(entry, {"name": rows[0]["name"], "version": rows[0]["version"]} if rows else {}, fact)
    if command.startswith("pacman -Q"):
        found = {row["name"]: row["version"] for row in pacman_lines(lines)}
        # pyinfra cuts a version at its epoch and takes that for the version.
        return _same(entry, {name: [version.partition(":")[0]] for name, version in found.items()}, fact)
    if "rpm " in command and "queryformat" in command:
        rows = rpm_lines(lines)
        if isinstance(fact, dict) and "name" not in fact:
            return _same(entry, {row["name"]: [row["version"]] for row in rows}, fact)
        if isinstance(fact, list):
            return _same(entry, [[row["name"], row["version"]] for row in rows], fact)
        return _same(entry, {"name": rows[0]["name"], "version": rows[0]["version"]} if rows else {}, fact)
    return Result(entry.file, UNKNOWN, f"the agent does not ask this: {command[:60]}")


def _same(entry: Entry, ours: Any, theirs: Any) -> Result:
    return Result(entry.file, RIGHT) if ours == theirs else Result(entry.file, WRONG, f"{ours}, stated is {theirs}")


def of_apt(entry: Entry, text: str, theirs: list[dict[str, Any]] | None) -> Result:
    """``apt-get -s``: what it would upgrade."""
    pending, _ = simulation.parse(text)
    if theirs is None:
        return Result(entry.file, UNSTATED)
    ours = {(one.name, one.available) for one in pending}
    # jc calls the installed version "broken", and a package to be upgraded one to be unpacked.
    wanted = {
        (said["package"].partition(":")[0], said["proposed_pkg_ver"].split()[0])
        for said in theirs
        if said.get("operation") == "unpack" and said.get("broken")
    }
    return _same(entry, ours, wanted)


# -- the verdicts ----------------------------------------------------------------------------------------------------


def _expected(entry: Entry, known: dict[str, Entry]) -> Path | None:
    stem = re.sub(r"\.(?:out|stdout)$", "", entry.file)
    for name in (f"{stem}.json", f"{stem}.want", f"{entry.file}.expected.json", f"{stem}.expected"):
        if name in known:
            return known[name].path
    return None


def _scored(entry: Entry, known: dict[str, Entry]) -> Result:
    text = entry.text()
    path = _expected(entry, known)
    if entry.path.suffix == ".json" and text.lstrip().startswith("{"):
        try:
            said = json.loads(text)
        except ValueError:
            said = {}
        if "output" in said:
            return of_pyinfra(entry, said)
    if re.search(r"(?m)^(?:Inst|Conf|Remv) \S+ [\[(]", text):
        return of_apt(entry, text, json.loads(path.read_text("utf-8")) if path else None)
    rows = rows_of(entry.path, text)
    if rows is None:
        return Result(entry.file, UNKNOWN, "the agent does not ask this")
    return Result(entry.file, UNSTATED) if path is None else compared(entry.file, rows, stated(entry, path))


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A verdict on each raw file."""
    files = list(entries)
    known = {entry.file: entry for entry in files if entry.kind != "raw"}
    for entry in files:
        if entry.kind != "raw":
            continue
        try:
            yield _scored(entry, known)
        except CannotRead as error:
            yield Result(entry.file, UNKNOWN, str(error))
        except (
            ValueError,
            KeyError,
            IndexError,
            TypeError,
            AttributeError,
        ) as error:  # a form that is none: damaged, or of another tool
            yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}"[:120])
