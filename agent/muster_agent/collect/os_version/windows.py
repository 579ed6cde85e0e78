"""The operating system on Windows: its own registry key, with the two places where that misleads put right."""

from __future__ import annotations

import re

from muster_agent.facts import OsVersion, Problem, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import current_version
from muster_agent.system.current_version import CurrentVersion
from muster_agent.system.windows_answer import record, text

NATIVE = "GetNativeSystemInfo"
WINDOWS_11 = 22000  # first build
# The product without its edition: Windows 7, Windows 8.1, Windows Server 2012 R2.
PRODUCT = re.compile(r"^(?:Microsoft )?(Windows (?:Server [0-9]{4}(?: R2)?|[0-9]{1,2}(?:\.[0-9])?))(?![0-9.])")


def name(version: CurrentVersion) -> str | None:
    """The product: ProductName without edition. It still says Windows 10 on Windows 11, which its build tells apart."""
    said = version.product_name or ""
    found = PRODUCT.match(said)
    product = found.group(1) if found else said
    if product == "Windows 10" and version.build >= WINDOWS_11 and not version.server:
        return "Windows 11"
    return product or None


def release(version: CurrentVersion) -> str:
    """24H2; 6.1.7601 Service Pack 1 where releases have no such name."""
    if version.display_version:
        return version.display_version
    numbers = f"{version.major}.{version.minor}.{version.build}"
    return f"{numbers} {version.service_pack}" if version.service_pack else numbers


def collect(machine: Machine) -> Table:
    """The one row. ``edition`` is the EditionID, by which Microsoft counts how long updates come."""
    version = current_version.read(machine)
    notes: list[Problem] = []
    arch = None
    try:
        arch = text(record(machine, NATIVE), "architecture", NATIVE)
    except CannotRead as error:
        notes.append(error.problem("arch"))
    row = OsVersion(
        name=name(version),
        version=release(version),
        major=version.major,
        minor=version.minor,
        patch=version.build,
        build=version.full_build,
        platform="windows",
        arch=arch,
        edition=version.edition,
    )
    return Table(rows=(row,), notes=tuple(notes))
