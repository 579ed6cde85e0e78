r"""How old the signatures of other makers' products are on Windows, by what each leaves in the registry or in a file.

The places are those the GLPI agent reads (endpoints.md §1.1). What a 32-bit program wrote is read first. Of the Chinese
makers no place is known: the security centre's word on their signatures is all there is.
"""

from __future__ import annotations

import re
from typing import Callable

from muster_agent.collect.antivirus.vendors import Told, day_in, version_in
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import filetime, registry_key
from muster_agent.system.registry_key import RegistryKey

VIEWS = ("HKLM\\SOFTWARE\\WOW6432Node\\", "HKLM\\SOFTWARE\\")
NEVER = 0xFFFFFFFF
DEFINITIONS = (
    r"C:\ProgramData\Symantec\Symantec Endpoint Protection\CurrentVersion\Data\Definitions\SDSDefs\definfo.dat"
)
CURRENT = re.compile(r"^CurDefs=([0-9]{8})(\.[0-9]{1,6})?\s*$", re.MULTILINE)
ENGINE = re.compile(r"[0-9][0-9.]{0,20} \(([0-9]{8})\)")  # 31832 (20250909)


def _key(machine: Machine, path: str) -> RegistryKey:
    for view in VIEWS:
        try:
            return registry_key.opened(machine, view + path)
        except NotFound:
            continue
    raise NotFound(VIEWS[1] + path)


def _below(machine: Machine, path: str, rest: str = "") -> list[RegistryKey]:
    """The keys under ``path``, each followed by ``rest``."""
    found = []
    for view in VIEWS:
        for name in machine.subkeys(view + path):
            found.append(registry_key.optional(machine, f"{view}{path}\\{name}{rest}"))
    if not found:
        raise NotFound(VIEWS[1] + path)
    return found


def eset(machine: Machine) -> Told:
    """Its own summary: ``ScannerVersion`` is ``31832 (20250909)``."""
    key = _key(machine, r"ESET\ESET Security\CurrentVersion\Info")
    scanner = key.text("ScannerVersion")
    built = ENGINE.fullmatch(scanner) if scanner else None
    return Told(
        version=version_in(key.text("ProductVersion")),
        signatures_version=version_in(scanner),
        signatures_date=day_in(built.group(1)) if built else None,
        basis=("registry:ScannerVersion",),
    )


def kaspersky(machine: Machine) -> Told:
    """When its databases were last renewed, as Unix seconds. When they were made it does not keep."""
    for key in _below(machine, r"KasperskyLab\protected", r"\Data"):
        seconds = key.number("LastSuccessfulUpdate")
        if seconds and seconds != NEVER:
            moment = filetime.moment_of_seconds(seconds, "LastSuccessfulUpdate")
            return Told(signatures_date=moment, basis=("registry:LastSuccessfulUpdate",))
    raise NotFound("LastSuccessfulUpdate")


def trellix(machine: Machine) -> Told:
    """The version of its DAT in two numbers, and their day."""
    key = _key(machine, r"McAfee\AVEngine")
    major, minor, date = key.number("AVDatVersion"), key.number("AVDatVersionMinor"), key.text("AVDatDate")
    if major is None:
        raise NotFound(f"{key.path}: AVDatVersion")
    return Told(
        signatures_version=f"{major}.{minor or 0}",
        signatures_date=day_in(date.replace("/", "-")) if date else None,
        basis=("registry:AVDatVersion",),
    )


def avira(machine: Machine) -> Told:
    """The version of its VDF; its date is told nowhere."""
    version = version_in(_key(machine, r"Avira\Antivirus").text("VdfVersion"))
    if version is None:
        raise NotFound("VdfVersion")
    return Told(signatures_version=version, basis=("registry:VdfVersion",))


def withsecure(machine: Machine) -> Told:
    """The newest of its databases: ``2017-07-08_08`` is the day it was made."""
    versions = [
        key.text("file_set_visible_version") or "" for key in _below(machine, r"F-Secure\Ultralight\Updates\aquarius")
    ]
    newest = max((version for version in versions if day_in(version)), default=None)
    if newest is None:
        raise NotFound("file_set_visible_version")
    return Told(signatures_version=newest, signatures_date=day_in(newest), basis=("registry:file_set_visible_version",))


def trend(machine: Machine) -> Told:
    """The number of its pattern, and its day."""
    key = _key(machine, r"TrendMicro\PC-cillinNTCorp\CurrentVersion\Misc.")
    number, date = key.number("InternalNonCrcPatternVer"), key.text("PatternDate")
    if number is None and date is None:
        raise NotFound(f"{key.path}: InternalNonCrcPatternVer")
    return Told(
        signatures_version=None if number is None else str(number),
        signatures_date=day_in(date) if date else None,
        basis=("registry:InternalNonCrcPatternVer",),
    )


def definitions(data: bytes) -> Told:
    """``CurDefs=20230815.002`` in Symantec's definfo.dat: the day, and the number of that day."""
    found = CURRENT.search(data.decode("ascii", "replace"))
    if found is None:
        raise CannotRead("not_understood", DEFINITIONS)
    version = found.group(1) + (found.group(2) or "")
    return Told(signatures_version=version, signatures_date=day_in(found.group(1)), basis=("file:definfo.dat",))


def symantec(machine: Machine) -> Told:
    """What its file of definitions says."""
    return definitions(machine.read(DEFINITIONS, 64 * 1024))


ASK: dict[str, Callable[[Machine], Told]] = {
    "asiainfo-osce": trend,
    "avira": avira,
    "eset": eset,
    "kaspersky": kaspersky,
    "symantec-sep": symantec,
    "trellix-ens": trellix,
    "trend-apexone": trend,
    "withsecure": withsecure,
}
COLUMNS = ("signatures_date", "signatures_version")
