"""The operating system on macOS: SystemVersion.plist."""

from __future__ import annotations

from muster_agent.collect.os_version.numbers import numbers
from muster_agent.facts import OsVersion, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import plist

PATH = "/System/Library/CoreServices/SystemVersion.plist"


def collect(machine: Machine) -> Table:
    """The one row. ``build`` tells a rapid security response from the release it mends."""
    said = plist.read(machine, PATH)
    version = plist.text(said, "ProductVersion")
    if version is None:
        raise CannotRead("not_understood", PATH)
    extra = plist.text(said, "ProductVersionExtra")  # (a): a rapid security response is installed
    major, minor, patch = numbers(version)
    row = OsVersion(
        name=plist.text(said, "ProductName") or "macOS",
        version=f"{version} {extra}" if extra else version,
        major=major,
        minor=minor,
        patch=patch,
        build=plist.text(said, "ProductBuildVersion"),
        platform="darwin",
        arch=machine.uname().machine,
    )
    return Table(rows=(row,))
