"""Packages of the systems that are plain files: Arch's, Alpine's, snaps and Flatpaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect import collect_table
from muster_agent.collect.packages import beside
from muster_agent.facts import Package, Table
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine

DEBIAN = {"/var/lib/dpkg/status": b"Package: dpkg\nStatus: install ok installed\nVersion: 1.21\nArchitecture: amd64\n"}
GAWK = b"%NAME%\ngawk\n\n%VERSION%\n5.3.1-1\n\n%BASE%\ngawk-base\n\n%ARCH%\nx86_64\n\n%DEPENDS%\nsh\nglibc\n\n"
MUSL = b"C:Q1zwvKMnYs1b6=\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\n"
UTILS = b"C:Q1zw=\nP:musl-utils\nV:1.2.4-r2\nA:x86_64\nL:MIT AND BSD-2-Clause AND GPL-2.0-or-later\no:musl\n"
CORE = (
    b"name: core\nversion: '16-2.61.4-20240607'  # by hand\nsummary: x\narchitectures:\n- amd64\nconfinement: strict\n"
)


def collected(files: dict[str, bytes]) -> Table:
    """The packages of a PC with these files."""
    return collect_table(SimulatedMachine(Uname("Linux", "pc", "6.1", "x86_64"), files), "packages")


def rows(table: Table) -> set[tuple[str | None, ...]]:
    """Every column of every row."""
    assert table.rows is not None, table.problem
    return {tuple(vars(row).values()) for row in table.rows}


def test_an_arch_linux_is_its_pacman_database() -> None:
    folder = "/var/lib/pacman/local"
    table = collected(
        {f"{folder}/gawk-5.3.1-1/desc": GAWK, f"{folder}/gawk-5.3.1-1/files": b"", f"{folder}/ALPM_DB_VERSION": b"9"}
    )
    assert rows(table) == {("gawk", "5.3.1-1", "pacman", "x86_64", "gawk-base", "5.3.1-1")}
    assert table.notes == ()


def test_an_alpine_is_its_apk_database() -> None:
    table = collected({"/lib/apk/db/installed": MUSL + b"\n" + UTILS + b"\n"})
    assert rows(table) == {
        ("musl", "1.2.4-r2", "apk", "x86_64", "musl", "1.2.4-r2"),
        ("musl-utils", "1.2.4-r2", "apk", "x86_64", "musl", "1.2.4-r2"),
    }


def test_snaps_and_flatpaks_stand_beside_the_packages_of_the_system() -> None:
    table = collected(
        {
            **DEBIAN,
            "/snap/core/current/meta/snap.yaml": CORE,
            "/snap/bin/lxd": b"",
            "/snap/README": b"",
            "/var/lib/flatpak/app/org.gimp.GIMP/x86_64/stable/active/metadata": b"",
            "/var/lib/flatpak/app/org.gimp.GIMP/current/active/metadata": b"",
        }
    )
    assert rows(table) == {
        ("dpkg", "1.21", "deb", "amd64", "dpkg", "1.21"),
        ("core", "16-2.61.4-20240607", "snap", "amd64", None, None),
        ("org.gimp.GIMP", None, "flatpak", "x86_64", None, None),
    }
    assert [(note.code, note.column) for note in table.notes] == [("version_not_stated", "version")]


@pytest.mark.parametrize(
    "files",
    [
        {"/var/lib/pacman/local/gawk-5.3.1-1/desc": b"%NAME%\ngawk\n\n%VERSION%\n\n"},
        {"/lib/apk/db/installed": MUSL.replace(b"V:1.2.4-r2\n", b"")},
        {"/snap/core/current/meta/snap.yaml": b"name: core\n"},
    ],
)
def test_one_that_cannot_be_read_is_said_and_the_rest_still_counts(files: dict[str, bytes]) -> None:
    table = collected({**DEBIAN, **files})
    assert ("dpkg", "1.21", "deb", "amd64", "dpkg", "1.21") in rows(table)
    assert [(note.code, note.column) for note in table.notes] == [("not_understood", None)]


def test_a_snap_alone_is_no_system() -> None:
    table = collected({"/snap/core/current/meta/snap.yaml": CORE})
    assert table.problem is not None
    assert table.problem.code == "no_package_database"


@pytest.mark.parametrize(
    "listed", ["architectures: [amd64]\n", "architectures:\n  - amd64\n", "architectures:\n- 'amd64'\n"]
)
def test_the_architecture_of_a_snap_of_one(listed: str) -> None:
    assert beside.of_snap(f"name: a\nversion: 1\n{listed}type: app\n", "x").arch == "amd64"


@pytest.mark.parametrize("listed", ["", "architectures: [amd64, arm64]\n", "architectures:\n- amd64\n- arm64\n"])
def test_a_snap_of_several_architectures_does_not_say_which_it_is(listed: str) -> None:
    found = beside.of_snap(f'name: "a"\nversion: 1.0 # x\n{listed}', "x")
    assert found == Package(name="a", version="1.0", type="snap")


@given(st.text(max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (lambda said: beside.of_pacman(said, "x"), beside.of_apk, lambda said: beside.of_snap(said, "x")):
        for said in (text, GAWK.decode() + text, MUSL.decode() + text, CORE.decode() + text):
            try:
                read(said)
            except CannotRead as error:
                assert error.code == "not_understood"
