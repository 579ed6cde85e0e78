"""The pending updates are what apt itself says: on this PC, and on made-up ones with everything that is difficult."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from muster_agent.collect.updates import linux
from muster_agent.facts import Table
from muster_agent.local import LocalMachine
from muster_agent.machine import Output, Stat

APT = Path("/usr/bin/apt-get")
pytestmark = pytest.mark.skipif(not APT.exists(), reason="needs apt-get, the truth these tests compare with")
CLEAN = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
INST = re.compile(r"^Inst ([^ :]+)(?::\S+)? \[([^]]+)\] \((\S+) (.*?) ?\[(\S+?)\]\)", re.MULTILINE)
KEPT = re.compile(r"^The following packages have been kept back:\n((?:  .*\n)+)", re.MULTILINE)


@dataclass
class Truth:
    """What apt-get said: of what it would upgrade (name, architecture) → (installed, available, origins), and the
    names it keeps back."""

    upgrades: dict[tuple[str, str], tuple[str, str, frozenset[str]]]
    kept: set[str]

    @classmethod
    def of(cls, text: str) -> Truth:
        """Read apt's words with a reader of the test's own."""
        upgrades = {
            (name, arch): (installed, available, frozenset(origin.split(", ")))
            for name, installed, available, origin, arch in INST.findall(text)
        }
        kept = KEPT.search(text)
        return cls(upgrades, set(kept.group(1).split()) if kept else set())

    @property
    def security(self) -> set[tuple[str, str]]:
        """Those of the upgrades that come from a security suite, as a person would find them with grep."""
        return {key for key, (_, _, origins) in self.upgrades.items() if "Security" in " ".join(origins)}


def said_by(table: Table, without: Iterable[str] = ()) -> dict[tuple[str, str], tuple[str, str, frozenset[str]]]:
    """The rows of the table in the form of :class:`Truth`."""
    assert table.rows is not None, table.problem
    return {
        (row.name, row.arch): (row.installed, row.available, frozenset(row.origin.split(", ")))
        for row in table.rows
        if row.name not in without
    }


def test_this_pc_has_the_pending_updates_apt_speaks_of() -> None:
    """Names, versions and origins; and security, which also counts what a later version overtook."""
    if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        pytest.skip("no apt lists on this PC: run apt-get update")
    for _ in range(3):  # somebody may install something between the two looks; then look again
        before = Path("/var/lib/dpkg/status").read_bytes()
        table = linux.collect(LocalMachine())
        run = subprocess.run([APT, "-s", "-o", "Debug::NoLocking=true", "upgrade"], env=CLEAN, stdout=subprocess.PIPE)
        if Path("/var/lib/dpkg/status").read_bytes() == before:
            break
    truth = Truth.of(run.stdout.decode())
    bare = {name.partition(":")[0] for name in truth.kept}
    assert said_by(table, without=bare) == truth.upgrades
    assert bare <= {row.name for row in table.rows or ()}
    security = {(row.name, row.arch) for row in table.rows or () if row.security and row.name not in bare}
    assert truth.security <= security
    for name, arch in security - truth.security:
        # Overtaken: the version that mends the fault stands below one from another source, and above the installed.
        installed = truth.upgrades[name, arch][0]
        offered = subprocess.run(["/usr/bin/apt-cache", "madison", name], env=CLEAN, stdout=subprocess.PIPE)
        mended = re.findall(r"\| +(\S+) \|.*-security/", offered.stdout.decode())
        newer = [["/usr/bin/dpkg", "--compare-versions", version, "gt", installed] for version in mended]
        assert any(subprocess.run(argv).returncode == 0 for argv in newer), (name, mended, installed)


# -- made-up PCs -----------------------------------------------------------------------------------------------------


class RootedMachine(LocalMachine):
    """A PC whose files lie under a folder, and whose apt is the real one, told to work there."""

    def __init__(self, root: Path, by_helper: bool = False) -> None:
        super().__init__()
        self.root = root
        self.by_helper = by_helper  # whether LZ4's own library cannot be called
        self.asked: list[str] = []  # the programs that were run

    def _open(self, path: str) -> int:
        return super()._open(f"{self.root}{path}")

    def listdir(self, path: str) -> list[str]:
        """The names in a folder of the made-up PC."""
        return super().listdir(f"{self.root}{path}")

    def stat(self, path: str) -> Stat:
        """A file of the made-up PC."""
        return super().stat(f"{self.root}{path}")

    def run(self, argv: list[str], timeout: float = 20.0) -> Output:
        """A program of this PC on the files of the made-up one."""
        self.asked.append(argv[0])
        return super().run(apt(self.root, *argv), timeout)

    def run_chunks(self, argv: list[str], timeout: float = 20.0, limit: int = 1 << 30):  # type: ignore[no-untyped-def]
        """A program of this PC on a file of the made-up one."""
        self.asked.append(argv[0])
        return super().run_chunks([*argv[:-1], f"{self.root}{argv[-1]}"], timeout, limit)

    def unpacked_chunks(self, path: str, argv: list[str]):  # type: ignore[no-untyped-def]
        """A packed file of the made-up PC."""
        return self.run_chunks(argv) if self.by_helper else super().unpacked_chunks(path, argv)


def apt(root: Path, *argv: str) -> list[str]:
    """A program of apt that works under ``root``, as on a PC of two architectures with settings of its own.

    APT_CONFIG is read before /etc/apt and can move it; options on the command line come too late for that.
    """
    said = {
        "Dir": f"{root}/",
        "Dir::State::status": root / "var/lib/dpkg/status",
        "Dir::Bin::methods": "/usr/lib/apt/methods",
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "",
        "APT::Machine-ID": "0123456789abcdef0123456789abcdef",
        "Acquire::AllowInsecureRepositories": "true",
        "Acquire::Languages": "none",
    }
    settings = "".join(f'{name} "{value}";\n' for name, value in said.items())
    conf = root.with_suffix(".conf")
    conf.write_text(settings + 'APT::Architectures { "amd64"; "i386"; };\n')
    return ["/usr/bin/env", f"APT_CONFIG={conf}", *argv]


@dataclass
class Suite:
    """One suite of a made-up archive: its Release, and its packages as "name version [field: value]…"."""

    name: str
    release: str
    packages: list[str]


def paragraph(package: str, status: str = "") -> str:
    """A paragraph of "name[:arch] version" with more fields behind it, divided by |."""
    head, *more = package.split("|")
    full, version = head.split()
    name, _, arch = full.partition(":")
    lines = [f"Package: {name}", *([f"Status: {status}"] if status else []), f"Architecture: {arch or 'amd64'}"]
    lines += [f"Version: {version}", "Maintainer: nobody", "Description: made up", *more]
    if not status:
        lines += [
            f"Filename: pool/{name}_{version}.deb",
            "Size: 1",
            f"SHA256: {hashlib.sha256(head.encode()).hexdigest()}",
        ]
    return "\n".join(lines) + "\n"


class Office:
    """A made-up PC below a folder, with archives beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("etc/apt/preferences.d", "etc/apt/apt.conf.d", "etc/apt/sources.list.d", "var/lib/dpkg"):
            (root / folder).mkdir(parents=True)
        for folder in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt"):
            (root / folder).mkdir(parents=True)
        self.write("etc/os-release", "ID=debian\n")

    def write(self, path: str, text: str) -> None:
        """A file of the PC."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def installed(self, *packages: str) -> None:
        """The dpkg database: "name version", and a status before it when it is not the usual one, divided by "=> "."""
        paragraphs = []
        for package in ("dpkg 1.21", "base-files 12", "libc6 2.36", *packages):
            status, _, rest = package.rpartition("=> ")
            paragraphs.append(paragraph(rest, status or "install ok installed"))
        self.write("var/lib/dpkg/status", "\n".join(paragraphs))

    def publish(self, *suites: Suite, packed: bool = False) -> None:
        """Write the archives, name them in sources.list, and let apt fetch them."""
        lines = []
        for suite in suites:
            folder = self.root / "archive" / suite.name / "dists" / suite.name
            sums = []
            for arch in ("amd64", "i386"):
                wanted = [p for p in suite.packages if (p.split()[0].partition(":")[2] or "amd64") in (arch, "all")]
                data = "\n".join(paragraph(package) for package in wanted).encode()
                name = f"main/binary-{arch}/Packages"
                sums.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}")
                if packed:  # a Release names the plain file as well, whether it can be fetched or not
                    data, name = gzip.compress(data, mtime=0), name + ".gz"
                    sums.append(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}")
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
            release = f"{suite.release}\nCodename: {suite.name}\nArchitectures: amd64 i386\nComponents: main\n"
            release += "Date: Sat, 21 Nov 2026 00:53:02 UTC\nSHA256:\n" + "\n".join(sums) + "\n"
            (folder / "Release").write_text(release)
            lines.append(f"deb [trusted=yes] file:{self.root}/archive/{suite.name} {suite.name} main")
        self.write("etc/apt/sources.list", "\n".join(lines) + "\n")
        self.refresh()

    def refresh(self) -> None:
        """apt-get update."""
        run = subprocess.run(
            apt(self.root, str(APT), "update"), env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert run.returncode == 0, run.stdout.decode()

    def truth(self) -> Truth:
        """What apt-get would upgrade."""
        argv = ["-s", "-o", "Debug::NoLocking=true", "upgrade"]
        run = subprocess.run(apt(self.root, str(APT), *argv), env=CLEAN, capture_output=True)
        assert run.returncode == 0, run.stderr.decode()
        return Truth.of(run.stdout.decode())

    def collect(self, by_helper: bool = False) -> tuple[Table, RootedMachine]:
        """Our reading, and the machine that knows what was asked for it."""
        machine = RootedMachine(self.root, by_helper)
        return linux.collect(machine), machine


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A made-up PC with nothing on it yet. apt quotes _ in the names of lists, so the folder has none by chance."""
    return Office(tmp_path / "pc")


ALWAYS = ["dpkg 1.21", "base-files 12", "libc6 2.36"]
MAIN = "Origin: Debian\nLabel: Debian\nSuite: oldstable\nVersion: 12.15"
SECURITY = "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nVersion: 12"
BACKPORTS = (
    "Origin: Debian Backports\nLabel: Debian Backports\nSuite: oldstable-backports\n"
    "NotAutomatic: yes\nButAutomaticUpgrades: yes"
)
EXPERIMENTAL = "Origin: Debian\nLabel: Debian\nSuite: experimental\nNotAutomatic: yes"
THIRD_PARTY = "Origin: Vendor\nLabel: Vendor-Security\nSuite: vendor"

INSTALLED = [
    "plain 1.0-1",
    "mended 1.0-1",
    "both 1.0-1",
    "overtaken 1.0-1",
    "tempted 1.0-1",
    "follower 2.0-1~bpo12+1",
    "wild 1.0-1",
    "hold ok installed=> held 1.0-1",
    "needy 1.0-1",
    "elsewhere:i386 1.0-1",
    "twofold 1.0-1|Multi-Arch: same",
    "twofold:i386 1.0-1|Multi-Arch: same",
    "settled:all 1.0-1",
    "vendors 1.0-1",
    "same 1.0",
    "ahead 9:1.0-1",
    "rebuilt 1.0-1",
    "deinstall ok config-files=> gone 1.0-1",
    "going 1.0-1",
]


def suites() -> list[Suite]:
    """One archive of everything that is difficult."""
    return [
        Suite(
            "bookworm",
            MAIN,
            [
                *ALWAYS,
                "plain 1.0-2",
                "both 1.0-1+deb12u1",
                "overtaken 1.0-1+deb12u2",
                "tempted 1.0-1",
                "follower 1.0-1",
                "held 1.0-2",
                "needy 1.0-2|Depends: nowhere",
                "elsewhere:i386 1.0-2",
                "twofold 1.0-2|Multi-Arch: same",
                "twofold:i386 1.0-2|Multi-Arch: same",
                "settled:all 1.0-2",
                "same 1.0-0",
                "ahead 3.0-1",
                "rebuilt 1.0-1+b1",
                "gone 1.0-2",
                "going 1.0-10",
                "stranger 5.0-1",
            ],
        ),
        Suite(
            "bookworm-security",
            SECURITY,
            ["mended 1.0-1+deb12u1", "both 1.0-1+deb12u1", "overtaken 1.0-1+deb12u1", "going 1.0-9"],
        ),
        Suite(
            "bookworm-backports", BACKPORTS, ["tempted 2.0-1~bpo12+1", "follower 2.0-1~bpo12+2", "plain 7.0-1~bpo12+1"]
        ),
        Suite("experimental", EXPERIMENTAL, ["wild 3.0-1", "plain 8.0-1"]),
        Suite("vendor", THIRD_PARTY, ["vendors 2.0-1"]),
    ]


@pytest.mark.parametrize(
    ("packed", "by_helper"),
    [(False, False), (True, False), (True, True)],
    ids=["plain-lists", "packed-lists", "packed-lists-by-apt-helper"],
)
def test_the_direct_reading_is_what_apt_would_do(office: Office, packed: bool, by_helper: bool) -> None:
    """Backports, foreign architectures, several sources, holds, third parties, epochs and rebuilds, without apt."""
    office.installed(*INSTALLED)
    if packed:
        office.write("etc/apt/apt.conf.d/compressed", 'Acquire::GzipIndexes "true";\n')
    office.publish(*suites(), packed=packed)
    truth = office.truth()
    table, machine = office.collect(by_helper)
    assert {"held", "needy"} == truth.kept
    assert said_by(table, without=truth.kept) == truth.upgrades
    assert {row.name for row in table.rows or ()} >= truth.kept
    assert table.notes == ()
    rows = {(row.name, row.arch): row for row in table.rows or ()}
    assert "/usr/bin/apt-get" not in machine.asked  # nothing here needs the slow way
    assert ("/usr/lib/apt/apt-helper" in machine.asked) is by_helper
    assert rows["follower", "amd64"].available == "2.0-1~bpo12+2"
    assert not {"tempted", "wild", "same", "ahead", "gone", "stranger"} & {name for name, _ in rows}
    # going and overtaken: a later version of another source contains what the security suite mended before.
    assert [name for (name, _), row in rows.items() if row.security] == ["both", "going", "mended", "overtaken"]
    assert rows["vendors", "amd64"].security is False  # a third party's word is not the system's
    assert rows["both", "amd64"].origin == "Debian-Security:12/oldstable-security, Debian:12.15/oldstable"


def test_a_pin_makes_apt_decide(office: Office) -> None:
    """A package held at backports by a pin, and one that a pin forbids, are what only apt knows."""
    office.installed(*INSTALLED)
    office.write(
        "etc/apt/preferences.d/pins",
        "Package: tempted\nPin: release a=oldstable-backports\nPin-Priority: 900\n\n"
        "Package: plain\nPin: version 1.0-1\nPin-Priority: 1000\n",
    )
    office.publish(*suites())
    truth = office.truth()
    table, machine = office.collect()
    assert "/usr/bin/apt-get" in machine.asked
    assert ("tempted", "amd64") in truth.upgrades
    assert ("plain", "amd64") not in truth.upgrades
    assert said_by(table, without=truth.kept) == truth.upgrades
    assert {row.name: row.available for row in table.rows or () if row.name in truth.kept} == {
        "held": "1.0-2",
        "needy": "1.0-2",
    }
    assert table.notes == ()


FORBIDS = "Package: plain\nPin: version 1.0-1\nPin-Priority: 1000\n"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("etc/apt/preferences.d/50.local.pref", FORBIDS),
        ("etc/apt/preferences.d/a:b", FORBIDS),
        ("etc/apt/preferences.d/folded", "Package: stranger\n plain\nPin: version 1.0-1\nPin-Priority: 1000\n"),
        ("etc/apt/preferences.d/glob", "Package: *\nPin: origin *.nodesource.com\nPin-Priority: 600\n"),
        ("etc/apt/apt.conf.d/10.local.conf", 'APT::Default-Release "oldstable-backports";\n'),
    ],
    ids=["two-dots", "colon", "folded-field", "pattern-of-hosts", "settings-with-two-dots"],
)
def test_whatever_apt_reads_makes_apt_decide(office: Office, file: str, text: str) -> None:
    office.installed(*INSTALLED)
    office.write(file, text)
    office.publish(*suites())
    truth = office.truth()
    table, machine = office.collect()
    assert "/usr/bin/apt-get" in machine.asked
    assert said_by(table, without=truth.kept) == truth.upgrades


@pytest.mark.parametrize(
    "setting",
    ['#include "{root}/etc/extra.conf";\n', 'Dir::Etc::preferences "{root}/etc/extra.pref";\n'],
    ids=["include", "preferences-elsewhere"],
)
def test_settings_that_lie_elsewhere_make_apt_decide(office: Office, setting: str) -> None:
    office.installed(*INSTALLED)
    office.write("etc/extra.conf", 'APT::Default-Release "oldstable-backports";\n')
    office.write("etc/extra.pref", FORBIDS)
    office.write("etc/apt/apt.conf.d/elsewhere", setting.replace("{root}", str(office.root)))
    office.publish(*suites())
    truth = office.truth()
    table, machine = office.collect()
    assert "/usr/bin/apt-get" in machine.asked
    assert said_by(table, without=truth.kept) == truth.upgrades


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("etc/apt/preferences.d/bad name", FORBIDS),
        ("etc/apt/preferences.d/old.bak", FORBIDS),
        ("etc/apt/sources.list.d/bad name.list", "deb http://nowhere.invalid/x y z\n"),
    ],
)
def test_what_apt_does_not_read_changes_nothing(office: Office, file: str, text: str) -> None:
    office.installed(*INSTALLED)
    office.write(file, text)
    office.publish(*suites())
    truth = office.truth()
    table, machine = office.collect()
    assert "/usr/bin/apt-get" not in machine.asked
    assert said_by(table, without=truth.kept) == truth.upgrades
    assert table.notes == ()


@pytest.mark.parametrize(
    "pin",
    [
        "Package: stranger\nPin: release a=oldstable-backports\nPin-Priority: 900\n",
        "Package: plain\nPin: origin deb.nodesource.com\nPin-Priority: 600\n",
    ],
    ids=["package-not-installed", "source-not-there"],
)
def test_a_pin_that_reaches_nothing_costs_nothing(office: Office, pin: str) -> None:
    office.installed(*INSTALLED)
    office.write("etc/apt/preferences.d/pins", pin)
    office.publish(*suites())
    table, machine = office.collect()
    truth = office.truth()
    assert "/usr/bin/apt-get" not in machine.asked
    assert said_by(table, without=truth.kept) == truth.upgrades


def test_a_default_release_makes_apt_decide(office: Office) -> None:
    office.installed(*INSTALLED)
    office.write("etc/apt/apt.conf.d/release", 'APT { Default-Release "oldstable-backports"; };\n')
    office.publish(*suites())
    truth = office.truth()
    table, machine = office.collect()
    assert "/usr/bin/apt-get" in machine.asked
    assert truth.upgrades["plain", "amd64"][1] == "7.0-1~bpo12+1"
    assert said_by(table, without=truth.kept) == truth.upgrades


def test_an_update_given_out_in_phases_is_what_apt_says_of_this_pc(office: Office) -> None:
    office.installed("early 1.0-1", "late 1.0-1")
    offered = ["early 1.0-2|Phased-Update-Percentage: 100", "late 1.0-2|Phased-Update-Percentage: 0"]
    office.publish(Suite("bookworm", MAIN, [*ALWAYS, *offered]), Suite("bookworm-security", SECURITY, ["x 1"]))
    truth = office.truth()
    table, machine = office.collect()
    assert "/usr/bin/apt-get" in machine.asked
    assert said_by(table, without=truth.kept) == truth.upgrades


def test_when_apt_cannot_be_asked_the_rows_are_marked_as_doubtful(office: Office) -> None:
    office.installed(*INSTALLED)
    office.write("etc/apt/preferences.d/pins", "Package: *\nPin: release a=vendor\nPin-Priority: 900\n")
    office.publish(*suites())
    office.write("etc/apt/sources.list.d/broken.list", "deb nonsense\n")
    table, machine = office.collect()
    assert "/usr/bin/apt-get" in machine.asked
    assert table.rows
    assert [(note.code, note.column) for note in table.notes] == [("program_failed", None)]


def test_a_list_of_a_source_no_longer_used_offers_nothing(office: Office) -> None:
    office.installed(*INSTALLED)
    office.publish(*suites())
    kept = (office.root / "etc/apt/sources.list").read_text().splitlines()[:2]
    office.write("etc/apt/sources.list", "\n".join(kept) + "\n")
    truth = office.truth()
    table, _ = office.collect()
    assert ("vendors", "amd64") not in said_by(table)
    assert said_by(table, without=truth.kept) == truth.upgrades


# -- what cannot be known --------------------------------------------------------------------------------------------


def test_without_any_list_the_pending_updates_are_unknown(office: Office) -> None:
    """Never an empty table: that would read as "nothing pending"."""
    office.installed(*INSTALLED)
    office.write("etc/apt/sources.list", "deb http://mirror.invalid/debian bookworm main\n")
    with pytest.raises(Exception, match="no_apt_lists"):
        office.collect()


def test_a_security_list_never_downloaded_is_not_zero_security_updates(office: Office) -> None:
    office.installed("plain 1.0-1")
    office.publish(suites()[0])
    with (office.root / "etc/apt/sources.list").open("a") as file:
        file.write("deb http://security.invalid/debian-security bookworm-security main\n")
    table, _ = office.collect()
    assert [(row.name, row.security) for row in table.rows or ()] == [("plain", None)]
    assert {(note.code, note.column) for note in table.notes} == {
        ("source_not_downloaded", None),
        ("no_security_list", "security"),
        ("no_security_list", None),
    }


def test_a_security_list_nobody_configured_is_missed_as_well(office: Office) -> None:
    """A PC up to date by the lists it has: no row at all, and still no proof."""
    office.installed()
    office.publish(suites()[0])
    table, _ = office.collect()
    assert table.rows == ()
    assert ("no_security_list", None) in {(note.code, note.column) for note in table.notes}


def test_kylin_has_one_suite_for_all_so_its_rows_are_whole(office: Office) -> None:
    office.installed("plain 1.0-1")
    office.write("etc/os-release", 'ID=kylin\nNAME="Kylin"\nVERSION_ID="v10"\n')
    kylin = Suite("bookworm", "Origin: Kylin\nLabel: Kylin\nSuite: 10.1-2303-updates", [*ALWAYS, "plain 1.0-2"])
    office.publish(kylin)
    table, _ = office.collect()
    assert [(row.name, row.security) for row in table.rows or ()] == [("plain", None)]
    assert [(note.code, note.column) for note in table.notes] == [("no_security_list", "security")]


def test_lists_of_third_parties_alone_do_not_pass_for_the_system(office: Office) -> None:
    office.installed("vendors 2.0-1")
    office.publish(suites()[4])
    table, _ = office.collect()
    assert table.rows == ()
    assert ("no_system_list", None) in {(note.code, note.column) for note in table.notes}


@pytest.mark.parametrize(("by_helper", "code"), [(False, "not_understood"), (True, "program_failed")])
def test_a_damaged_list_is_said_and_the_others_still_count(office: Office, by_helper: bool, code: str) -> None:
    office.installed(*INSTALLED)
    office.write("etc/apt/apt.conf.d/compressed", 'Acquire::GzipIndexes "true";\n')
    office.publish(*suites(), packed=True)
    for packed in (office.root / "var/lib/apt/lists").glob("*vendor*amd64_Packages*"):
        packed.unlink()
        packed.write_bytes(b"\x04\x22\x4d\x18 not lz4 at all" if packed.name.endswith("lz4") else b"not gzip")
    table, _ = office.collect(by_helper)
    assert (code, None) in {(note.code, note.column) for note in table.notes}
    assert ("plain", "amd64") in said_by(table)


def test_an_illegal_version_hides_its_package_and_says_so(office: Office) -> None:
    office.installed("odd 1.0-", "plain 1.0-1")
    office.publish(Suite("bookworm", MAIN, [*ALWAYS, "odd 1.0-2", "plain 1.0-2"]), suites()[1])
    table, _ = office.collect()
    assert ("illegal_version", "odd") in {(note.code, note.detail) for note in table.notes}
    assert ("plain", "amd64") in said_by(table)


def test_collecting_leaves_the_pc_as_it_was(office: Office) -> None:
    """No lock, no cache, no refreshed list: the agent reads."""
    office.installed(*INSTALLED)
    office.write("etc/apt/preferences.d/pins", "Package: *\nPin: release a=vendor\nPin-Priority: 900\n")
    office.publish(*suites())

    def state() -> dict[str, tuple[int, int]]:
        found = (Path(folder) / name for folder, _, names in os.walk(office.root) for name in names)
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}

    before = state()
    office.collect()
    assert state() == before
