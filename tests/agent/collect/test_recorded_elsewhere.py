"""Recordings of others, which know nothing of ours: what their own tests expect must come out here too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from muster_agent.collect.os_version import linux as os_version
from muster_agent.facts import OsVersion
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.system import osrelease
from muster_agent.system.deb import simulation, status

# distro renames some; osquery and we keep what the system says.
RENAMED = {"opensuse-leap": "opensuse", "ol": "oracle"}


def row_of(root: Path) -> OsVersion:
    """The os_version of a PC that has these files."""
    files = {f"/{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*") if path.is_file()}
    table = os_version.collect(SimulatedMachine(Uname("Linux", "pc", "6.1.0", "x86_64"), files))
    assert table.rows is not None
    row = table.rows[0]
    assert isinstance(row, OsVersion)
    return row


def test_distributions_are_named_as_python_distro_names_them(shared: Path) -> None:
    """python-distro/distro's own recordings: ID, name, version, similar systems, codename."""
    folder = shared / "recorded/linux/os/distro"
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    seen = 0
    for name, said in expected.items():
        places = [folder / name / place.lstrip("/") for place in osrelease.PLACES]
        first = next((place for place in places if place.is_file()), None)
        if first is None or "=" not in first.read_text("utf-8"):  # a link, recorded as the path it leads to
            continue
        row, want = row_of(folder / name), said["os_release"]
        seen += 1
        assert (RENAMED.get(row.platform or "", row.platform), row.name) == (want["id"], want["name"]), name
        assert (row.platform_like or "") == want.get("like", ""), name
        version = want.get("version", "")
        if version[:1].isdigit():
            numbers = [int(number) for number in re.findall(r"\d+", version)]
            assert row.major == numbers[0], name
            # Debian and Raspbian state their point release elsewhere; Ubuntu's patch number stands in VERSION.
            if len(numbers) > 1:
                assert row.minor == numbers[1], name
    assert seen > 20


def test_debian_states_its_point_release_in_a_file_of_its_own(shared: Path) -> None:
    """os-release says 13, /etc/debian_version 13.1; a release in the making says trixie/sid and has no number."""
    folder = shared / "recorded/linux/os/distro"
    row = row_of(folder / "debian13")
    assert (row.version, row.major, row.minor, row.codename) == ("13 (trixie)", 13, 1, "trixie")
    assert (row_of(folder / "debiantesting").major, row_of(folder / "debiantesting").minor) == (None, None)


def test_ubuntu_states_its_patch_release_in_the_version_only(shared: Path) -> None:
    row = row_of(shared / "recorded/linux/os/distro/ubuntu16")
    text = (shared / "recorded/linux/os/distro/ubuntu16/etc/os-release").read_text("utf-8")
    patch = re.search(r"16\.04\.(\d+)", text)
    assert (row.major, row.minor, row.patch) == (16, 4, int(patch.group(1)) if patch else None)


def test_which_states_of_a_package_count_as_installed(shared: Path) -> None:
    """osv-scalibr's list of states. Unpacked counts: its files are on the disk, and so are their faults."""
    path = shared / "recorded/linux/packages/scalibr/dpkg__dpkg__statusfield"
    assert [package.name for package in status.parse(path.read_bytes(), str(path))] == [
        "wantinstall_installed",
        "wantdeinstall_installed",
        "wantinstall_unpacked",
        "wantpurge_installed",
    ]


def test_source_packages_are_named_with_their_version(shared: Path) -> None:
    folder = shared / "recorded/linux/packages"
    found = {
        package.name: (package.version, package.source, package.source_version)
        for path in ("scalibr/dpkg__dpkg__valid", "osconfig/debian.dpkg-status")
        for package in status.parse((folder / path).read_bytes(), path)
    }
    assert found["libacl1"] == ("2.3.1-3", "acl", "2.3.1-3")
    assert found["llvm-16"][1] == "llvm-toolchain-16"
    assert found["acl"] == ("2.3.1-3", "acl", "2.3.1-3")
    assert len(found) >= 7


@pytest.mark.parametrize("name", ["debian-10-1", "ubuntu-20", "ubuntu-22", "ubuntu-24"])
def test_every_upgrade_apt_printed_on_other_pcs_is_read(shared: Path, name: str) -> None:
    """Google's osconfig: all it expects, and the lines with marks behind them that its own reader leaves out."""
    folder = shared / "recorded/linux/updates/osconfig"
    text = (folder / f"{name}.apt-get-full-upgrade.stdout").read_text("utf-8")
    said = (folder / f"{name}.apt-get-full-upgrade.expected").read_text("utf-8")
    expected = set(zip(re.findall(r'Name: +"(.*?)"', said), re.findall(r'Version: +"(.*?)"', said), strict=True))
    pending, kept = simulation.parse(text)
    found = {(entry.name, entry.available) for entry in pending}
    assert expected <= found
    assert len(pending) == len(re.findall(r"^Inst \S+ \[", text, re.MULTILINE))
    assert kept == []


def test_a_line_apt_never_printed_is_refused() -> None:
    """An upgrade must not get lost because its line looks different one day."""
    with pytest.raises(CannotRead, match="not_understood"):
        simulation.parse("Inst curl [7.88.1] 7.88.2 from somewhere\n")
