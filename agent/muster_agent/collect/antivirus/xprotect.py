"""XProtect, what macOS itself brings: its signatures, and the Remediator that looks for known malware.

Since macOS 15 the signatures in force lie in /var/protected, and the older place may be weeks behind. MRT, which came
before the Remediator, does nothing any more.
"""

from __future__ import annotations

from dataclasses import replace

from muster_agent.collect.antivirus.vendors import version_in
from muster_agent.facts import Antivirus, Problem
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import plist
from muster_agent.system.filetime import moment_of_seconds

ID = "apple-xprotect"
# In this order: a copy in the first place is the one in force.
BUNDLES = (
    "/var/protected/xprotect/XProtect.bundle",
    "/Library/Apple/System/Library/CoreServices/XProtect.bundle",
    "/System/Library/CoreServices/XProtect.bundle",  # until macOS 10.14
)
REMEDIATOR = "/Library/Apple/System/Library/CoreServices/XProtect.app/Contents/Info.plist"
FILES = ("Contents/Info.plist", "Contents/version.plist")


def signatures(machine: Machine) -> tuple[str | None, str, str]:
    """(version, moment, file) of the signatures in force. The moment is the file's own time: an estimate.

    Raises :class:`CannotRead`: also when the copy in force may not be read, for the other would be another answer.
    """
    for bundle in BUNDLES:
        for name in FILES:
            path = f"{bundle}/{name}"
            try:
                version = plist.text(plist.read(machine, path), "CFBundleShortVersionString")
                return version_in(version), moment_of_seconds(machine.stat(path).mtime, path), path
            except NotFound:
                continue
    raise NotFound(BUNDLES[0])


def with_xprotect(machine: Machine, row: Antivirus, notes: list[Problem]) -> Antivirus:
    """XProtect's own facts. It is no program that runs: the system asks it when a program is opened."""
    row = replace(row, running=None, version=None)
    try:
        row = replace(
            row, version=version_in(plist.text(plist.read(machine, REMEDIATOR), "CFBundleShortVersionString"))
        )
    except CannotRead as error:
        notes.append(error.problem("version"))
    try:
        version, moment, path = signatures(machine)
    except CannotRead as error:
        notes += [error.problem(column) for column in ("signatures_version", "signatures_date")]
    else:
        basis = f"{row.basis} estimated:{path}"
        row = replace(row, signatures_version=version, signatures_date=moment, basis=basis)
    notes += [Problem("unsupported", "product_does_not_tell", ID, column) for column in ("running", "realtime")]
    return row
