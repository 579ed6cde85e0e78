"""What is installed is what rpm lists: as rpm prints it here, and as no rpm ever should."""

from __future__ import annotations

import json
import random
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect.packages import linux
from muster_agent.machine import CannotRead, Machine, NotFound, Output, Uname
from muster_agent.recording import RecordedMachine, of_files
from muster_agent.system import package_system
from muster_agent.system.package_system import Debs, Rpms
from muster_agent.system.rpm.installed import FORMAT, QUERY, installed, parse, with_epochs

ARGV = ("/usr/bin/rpm", *QUERY)
BASH = "bash\t(none)\t5.1.8\t6.el9_1\tx86_64\tbash-5.1.8-6.el9_1.src.rpm\t1700000000\n"
VIM = "vim-filesystem\t2\t8.2.2637\t20.el9_1\tnoarch\tvim-8.2.2637-20.el9_1.src.rpm\t1700000001\n"
KEY = "gpg-pubkey\t(none)\t8483c65d\t5ccc5b19\t(none)\t(none)\t1700000002\n"


def machine(stdout: str = "", stderr: str = "", status: int = 0, files: dict[str, bytes] | None = None) -> Machine:
    """A PC with an rpm database and an rpm that prints this."""
    found = {"/var/lib/rpm/rpmdb.sqlite": b"", **(files or {})}
    recording = of_files(Uname("Linux", "host-1", "5.10", "x86_64"), found, 0)
    recording.programs[ARGV] = Output(status, stdout.encode(), stderr.encode())
    return RecordedMachine(recording, whole=True)


def test_what_rpm_prints_is_read() -> None:
    packages, notes = installed(machine(BASH + VIM + KEY))
    assert notes == []
    said = [(one.name, one.version, one.arch, one.source, one.source_version) for one in packages]
    assert said == [
        ("bash", "5.1.8-6.el9_1", "x86_64", "bash", "5.1.8-6.el9_1"),
        ("vim-filesystem", "2:8.2.2637-20.el9_1", "noarch", "vim", "2:8.2.2637-20.el9_1"),
    ]
    assert packages[0].installed_at == 1700000000


def test_the_epoch_of_a_source_is_that_of_what_it_was_built_as() -> None:
    """A package of its own version and none of its epoch (perl) does not say it; another of the same source does."""
    text = "perl-libs\t4\t5.32.1\t480.el9\tx86_64\tperl-5.32.1-480.el9.src.rpm\t1\n"
    text += "perl-IO\t(none)\t1.43\t480.el9\tx86_64\tperl-5.32.1-480.el9.src.rpm\t1\n"
    assert {package.source_version for package in parse(text)} == {"4:5.32.1-480.el9"}
    assert parse(text.splitlines(keepends=True)[1])[0].source_version == "5.32.1-480.el9"
    assert with_epochs([]) == []


@pytest.mark.parametrize(
    "line",
    [
        "bash 5.1.8-6.el9_1 x86_64\n",
        "bash\t(none)\t5.1.8\t6.el9_1\tx86_64\tbash-5.1.8-6.el9_1.src.rpm\n",  # cut short
        BASH.rstrip("\n") + "\tmore\n",
        BASH.replace("bash\t", "ba sh\t", 1),
        BASH.replace("5.1.8\t", "\t", 1),
        "\x00\n",
        "package bash is not installed\n",
    ],
)
def test_a_line_that_is_no_package_is_refused_and_not_skipped(line: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        parse(VIM + line)


@pytest.mark.parametrize(
    "stderr",
    [
        "error: rpmdbNextIterator: skipping h#     753 Header V3 DSA signature: BAD, key ID db42a6\n",
        "warning: x\nerror: rpmdb: BDB0113 Thread/process 20263/140251984590912 failed\n",
    ],
)
def test_when_rpm_says_it_did_not_list_all_the_rows_are_marked(stderr: str) -> None:
    table = linux.collect(machine(BASH, stderr))
    assert [row.name for row in table.rows or ()] == ["bash"]
    assert [(note.status, note.code, note.column) for note in table.notes] == [("error", "rpm_database_damaged", None)]


def test_a_warning_of_a_signature_is_no_damage() -> None:
    assert installed(machine(BASH, "warning: Signature not supported. Hash algorithm SHA1 not available.\n"))[1] == []


def test_a_failing_rpm_that_printed_something_marks_what_it_printed() -> None:
    assert [note.code for note in installed(machine(BASH, status=1))[1]] == ["rpm_database_damaged"]


@pytest.mark.parametrize(
    ("stderr", "status", "code"),
    [
        ("error: cannot open Packages database in /var/lib/rpm\n", 1, "rpm_database_damaged"),
        ("rpm: killed\n", 137, "program_failed"),
        ("", 0, "rpm_database_empty"),
    ],
)
def test_no_package_at_all_is_a_problem_and_never_an_empty_list(stderr: str, status: int, code: str) -> None:
    with pytest.raises(CannotRead) as raised:
        installed(machine("", stderr, status))
    assert raised.value.code == code


def test_a_database_without_the_program_is_a_problem() -> None:
    bare = machine()
    del bare._recording.programs[ARGV]  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        package_system.of(bare)


# -- which of two databases ------------------------------------------------------------------------------------------

DEBIAN = b"Package: base-files\nStatus: install ok installed\nVersion: 12\nArchitecture: amd64\n"
LEFT_BEHIND = b"Package: wps-office\nStatus: install ok installed\nVersion: 11\nArchitecture: amd64\n"


def test_a_debian_with_rpm_beside_it_stays_a_debian() -> None:
    system = package_system.of(machine(BASH, files={"/var/lib/dpkg/status": DEBIAN}))
    assert isinstance(system, Debs)


@pytest.mark.parametrize("status", [b"", LEFT_BEHIND], ids=["empty", "a-stray-package"])
def test_an_rpm_system_with_dpkg_beside_it_stays_one(status: bytes) -> None:
    """银河麒麟高级服务器 calls itself kylin as the desktop does; some have dpkg as well."""
    files = {"/var/lib/dpkg/status": status, "/etc/os-release": b'ID="kylin"\n'}
    system = package_system.of(machine(BASH, files=files))
    assert isinstance(system, Rpms)
    assert [package.name for package in system.packages] == ["bash"]


def test_an_empty_folder_of_rpm_is_no_database() -> None:
    bare = RecordedMachine(of_files(Uname("Linux", "pc", "6.1", "x86_64"), {"/var/lib/rpm/.keep": b""}, 0), whole=True)
    with pytest.raises(CannotRead, match="no_package_database"):
        package_system.of(bare)


# -- anything at all -------------------------------------------------------------------------------------------------

PARTS = st.sampled_from(
    ["bash", "\t", "\n", "(none)", "1.0", "x86_64", "\x00", "麒麟", "é", "\ufffd", " ", "gpg-pubkey"]
)


@given(st.lists(PARTS, max_size=60).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        packages = parse(text)
    except CannotRead as error:
        assert error.code == "not_understood"
    else:
        assert len(packages) <= text.count("\n") + 1
        json.dumps([vars(package) for package in packages])


def test_a_damaged_list_is_refused_or_shorter_by_whole_packages() -> None:
    """Cut anywhere: never a package of half a version."""
    whole = {package.name: package for package in parse(BASH + VIM)}
    text = BASH + VIM
    for at in random.Random(7).sample(range(len(text)), 60):
        try:
            packages = parse(text[:at])
        except CannotRead:
            continue
        for package in packages:
            # The last field of a list that is cut short is the time of installation.
            assert (package.name, package.version) == (package.name, whole[package.name].version)


@pytest.mark.skipif(shutil.which("rpm") is None, reason="needs rpm, the truth this test compares with")
def test_rpm_itself_lists_the_same(pc) -> None:  # type: ignore[no-untyped-def]
    pc.install()
    packages, notes = installed(pc.machine())
    argv = ["rpm", "--dbpath", f"{pc.root}/var/lib/rpm", "-qa", "--qf", "%{NEVRA} %{SOURCERPM}\\n"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    ours = []
    for package in packages:
        source = package.source_version.rpartition(":")[2]
        ours.append(f"{package.name}-{package.version}.{package.arch} {package.source}-{source}.src.rpm")
    assert sorted(ours) == sorted(said)
    assert len(said) == 10
    assert notes == []
    assert "\\t" in FORMAT
    assert {package.name: package.source for package in packages}["libsub"] == "subsource"
