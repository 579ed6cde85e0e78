"""WMI's classes of volumes against our table of volumes.

The agent asks functions of Windows and not WMI's classes of disks; what they hold is handed to the collector as those
functions would have answered, and its rows are compared with what the owner of the recording states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result
from wmi_dump import objects

from muster_agent.collect.disk_encryption import windows
from muster_agent.facts import DiskEncryption
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import RecordedMachine, Recording

READS = {("windows", "encryption")}
FIXED = "3"  # DriveType, the same number as DRIVE_FIXED
LETTER = re.compile(r"[A-Za-z]:")
STATES = {"Yes": True, "No": False}
SUFFIX = ".drives.expected.json"


def rows_of(drives: list[str], powershell: Any) -> dict[str, DiskEncryption]:
    """The rows of a PC with these fixed drives, of which PowerShell says this."""
    apis: dict[tuple[str, ...], Any] = {
        ("FixedDrives",): drives,
        ("SystemDrive",): CannotRead("not_understood", "not in the recording"),
        ("PowerShell",): powershell,
    }
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, apis=apis)
    table = windows.collect(RecordedMachine(recording, whole=True))
    return {row.name: row for row in table.rows or ()}


def stated(path: Path) -> dict[str, Any] | None:
    """The drives with a letter that are stated of the set ``path`` belongs to, by letter."""
    for other in path.parent.glob("*" + SUFFIX):
        if path.name.startswith(other.name.removesuffix(SUFFIX) + "-"):
            drives = json.loads(other.read_text("utf-8"))
            return {drive["LETTER"]: drive for drive in drives if LETTER.fullmatch(drive["LETTER"] or "")}
    return None


def number(text: str | None) -> int | None:
    """A property that is a number."""
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text) else None


def of_encryptable_volumes(entry: Entry) -> Iterator[Result]:
    """Win32_EncryptableVolume: whether each volume is encrypted."""
    said = [row for row in objects(entry.text()) if LETTER.fullmatch(row.get("DriveLetter", ""))]
    volumes = [
        {
            "drive": row["DriveLetter"],
            "protection_status": number(row.get("ProtectionStatus")),
            "conversion_status": number(row.get("ConversionStatus")),
        }
        for row in said
    ]
    if not volumes:
        yield Result(entry.file, UNKNOWN, "it holds no volume with a letter")
        return
    rows = rows_of([row["DriveLetter"] for row in said], {"bitlocker": volumes})
    wanted = stated(entry.path) or {}
    if sorted(rows) != sorted({row["DriveLetter"] for row in said}):
        yield Result(entry.file, WRONG, f"said {sorted(rows)} of the volumes in it")
    for drive, row in rows.items():
        claim = wanted.get(drive) or {}
        state = STATES.get(claim.get("ENCRYPT_STATUS", ""))
        if row.encrypted is None:
            yield Result(entry.file, UNKNOWN, f"{drive}: {row.encryption_status}")
        elif state is None:
            yield Result(entry.file, UNSTATED, f"{drive}: {row.encryption_status}")
        elif row.encrypted is state and (not state or row.type == claim.get("ENCRYPT_NAME", row.type)):
            yield Result(entry.file, RIGHT, drive)
        else:
            yield Result(entry.file, WRONG, f"{drive}: said {row.encrypted}, {row.type}, stated {claim}")


def of_logical_disks(entry: Entry) -> Iterator[Result]:
    """Win32_LogicalDisk: which volumes of fixed disks there are. Whether they are encrypted is not in it, and the
    letters are handed in: there is nothing to be right about, only something to be wrong about."""
    drives = [row["DeviceID"] for row in objects(entry.text()) if row.get("DriveType") == FIXED and "DeviceID" in row]
    if not drives or not all(LETTER.fullmatch(drive) for drive in drives):
        yield Result(entry.file, UNKNOWN, f"it holds no fixed drives: {drives}")
        return
    rows = rows_of(drives, CannotRead("no_powershell", "", "unsupported"))
    if any(row.encrypted is not None or row.encryption_status != "undefined" for row in rows.values()):
        yield Result(entry.file, WRONG, "an encryption was said that nothing tells of")
    elif sorted(rows) != sorted(set(drives)):
        yield Result(entry.file, WRONG, f"said {sorted(rows)}, in it are {sorted(drives)}")
    else:
        yield Result(entry.file, UNSTATED, ", ".join(rows))


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """The verdicts on the raw files."""
    for entry in entries:
        if entry.kind != "raw":
            continue
        name = entry.path.name
        read = of_encryptable_volumes if "Win32_EncryptableVolume" in name else None
        read = of_logical_disks if "Win32_LogicalDisk" in name else read
        if read is None:
            yield Result(entry.file, UNKNOWN, "the agent has no use for this output")
            continue
        try:
            yield from list(read(entry))
        except (ValueError, KeyError, TypeError, AttributeError, CannotRead) as error:  # UTF-16 that is cut in two, too
            yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}"[:200])
