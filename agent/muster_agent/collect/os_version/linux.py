"""The operating system on Linux: os-release, and where 统信 UOS, 银河麒麟 and Debian keep the rest."""

from __future__ import annotations

import re

from muster_agent.collect.os_version.numbers import numbers
from muster_agent.facts import OsVersion, Table
from muster_agent.machine import Machine
from muster_agent.system import osrelease


def ini(text: str) -> dict[str, str]:
    """The settings of an ini file, whatever their section. configparser would refuse UOS's repeated names."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def collect(machine: Machine) -> Table:
    """The one row. ``build`` is the number by which UOS and Kylin count their updates (endpoints.md §2.1)."""
    said = osrelease.read(machine)
    major, minor, patch = numbers(said.get("VERSION_ID", ""))
    # Ubuntu states its point release in VERSION only: 24.04.2 LTS.
    if said.get("VERSION_ID") and said.get("VERSION", "").startswith(said["VERSION_ID"] + "."):
        major, minor, patch = numbers(said["VERSION"])
    build, edition = said.get("BUILD_ID"), said.get("VARIANT")
    codename = said.get("VERSION_CODENAME") or said.get("UBUNTU_CODENAME")
    platform = (said.get("ID") or "linux").lower()  # os-release(5)
    if platform == "debian":
        point = machine.optional_text("/etc/debian_version").strip()  # "12.15", or "trixie/sid" before the release
        if numbers(point)[0] == major and point[:1].isdigit():
            _, minor, patch = numbers(point)
    elif platform in ("uos", "deepin"):
        uos = ini(machine.optional_text("/etc/os-version"))
        edition = uos.get("EditionName") or uos.get("ProductType") or edition
        build = uos.get("MinorVersion") or uos.get("OsBuild") or build
        minor = int(uos["MinorVersion"]) if re.match(r"^[0-9]{1,9}$", uos.get("MinorVersion", "")) else minor
    elif platform == "kylin":
        codename = said.get("PROJECT_CODENAME") or codename  # V10SP1; VERSION_CODENAME is "kylin" in every version
        # milestone=Desktop-V10-SP1-Release-2107 …
        milestone = re.match(r"(\w+)-.*-Release-(\w+)", ini(machine.optional_text("/etc/.kyinfo")).get("milestone", ""))
        edition = milestone.group(1) if milestone else edition
        build = said.get("KYLIN_RELEASE_ID") or (milestone.group(2) if milestone else build)
    row = OsVersion(
        name=said.get("NAME") or said.get("PRETTY_NAME"),
        version=said.get("VERSION") or said.get("VERSION_ID") or said.get("PRETTY_NAME"),
        major=major,
        minor=minor,
        patch=patch,
        build=build or None,
        platform=platform,
        platform_like=said.get("ID_LIKE") or None,
        codename=codename or None,
        arch=machine.uname().machine,
        edition=edition or None,
    )
    return Table(rows=(row,))
