"""A made-up PC of the rpm family: a root with a real database and real caches, and a small archive to update from.

rpmbuild, createrepo_c, rpm, dnf and zypper are the real ones (Debian has them all); what they are told beside the
agent's own words is where the made-up root lies.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from muster_agent.local import LocalMachine
from muster_agent.machine import Output, Stat, Uname

CLEAN = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}
NEEDED = ("rpmbuild", "createrepo_c", "modifyrepo_c")
RUNNING = "5.10.0-60.18.0.50.oe2203.x86_64"
STARTED = 4_000_000_000  # seconds since 1970, after everything that is installed here: nothing is newer than the start


def must_run(*argv: object) -> str:
    """Run a program and give what it printed."""
    run = subprocess.run([str(word) for word in argv], env=CLEAN, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout


@dataclass
class Built:
    """A package to build: "name version-release", and lines of its spec."""

    name: str
    version: str  # [epoch:]version-release
    arch: str = "noarch"
    lines: str = ""  # more of its spec
    source: str = ""  # the name of its source where that is another

    def spec(self) -> str:
        """Its spec file, of a package without files."""
        epoch, _, rest = self.version.rpartition(":")
        version, _, release = rest.rpartition("-")
        source = self.source or self.name
        head = [f"Name: {source}", f"Version: {version}", f"Release: {release}", "Summary: made up", "License: MIT"]
        head += [f"Epoch: {epoch}"] if epoch else []
        if self.source:
            body = [f"%package -n {self.name}", "Summary: made up", self.lines, f"%description -n {self.name}", "x"]
            return "\n".join([*head, "%description", "made up", *body, f"%files -n {self.name}", ""])
        head += [self.lines] if self.lines else []
        return "\n".join([*head, "%description", "made up", "%files", ""])


OS = [
    Built("glibc", "2.34-1.oe2203"),
    Built("hello", "1.0-1.oe2203"),
    Built("mended", "1.0-1.oe2203"),
    Built("overtaken", "3:1.0-1.oe2203"),
    Built("libsub", "1.0-1.oe2203", source="subsource"),
    Built("unadvised", "1.0-1.oe2203"),
    Built("oldname", "1.0-1.oe2203"),
    Built("a-package-with-a-very-long-name-indeed-so-that-its-lines-may-be-wrapped", "1.0-1.oe2203sp1"),
    Built("kernel", "5.10.0-60.18.0.50.oe2203", "x86_64"),
    Built("settled", "1.0-9.oe2203"),
]
UPDATE = [
    Built("hello", "1.0-2.oe2203"),
    Built("mended", "1.0-10.oe2203"),
    Built("overtaken", "3:1.0-3.oe2203"),
    Built("libsub", "1.1-1.oe2203", source="subsource"),
    Built("newname", "2.0-1.oe2203", lines="Obsoletes: oldname < 2"),
    Built("a-package-with-a-very-long-name-indeed-so-that-its-lines-may-be-wrapped", "1.1-1.oe2203sp1"),
    Built("kernel", "5.10.0-60.66.0.91.oe2203", "x86_64"),
    Built("settled", "1.0-1.oe2203"),
    Built("stranger", "1.0-1.oe2203"),
]
THIRD = [Built("unadvised", "1.1-1")]
ADVISORY = """<update from="openeuler.org" type="{kind}" status="final"><id>{id}</id><title>An update for {name}</title>
<severity>{severity}</severity><release>openEuler</release><issued date="2022-03-04"/><description>made up</description>
<pkglist><collection><name>openEuler</name><package arch="{arch}" name="{name}" epoch="{epoch}" version="{version}"
release="{release}"><filename>{name}.rpm</filename></package></collection></pkglist></update>
"""


def advisory(name: str, id: str, kind: str, severity: str, version: str, arch: str = "noarch") -> str:
    """One advisory about one package, as openEuler writes them."""
    epoch, _, rest = version.rpartition(":")
    number, _, release = rest.rpartition("-")
    return ADVISORY.format(
        name=name, id=id, kind=kind, severity=severity, version=number, release=release, epoch=epoch or "0", arch=arch
    )


ADVISORIES = [
    advisory("mended", "openEuler-SA-2022-1001", "security", "Moderate", "1.0-10.oe2203"),
    # What mends the fault stands between what is installed and what is on offer.
    advisory("overtaken", "openEuler-SA-2022-1003", "security", "Critical", "3:1.0-2.oe2203"),
    advisory("overtaken", "openEuler-BA-2022-1004", "bugfix", "", "3:1.0-3.oe2203"),
    advisory("hello", "openEuler-BA-2022-1002", "bugfix", "", "1.0-2.oe2203"),
    # Of a version that is installed already: nothing to mend.
    advisory("settled", "openEuler-SA-2021-1000", "security", "Critical", "1.0-5.oe2203"),
    advisory("kernel", "openEuler-SA-2022-1005", "security", "High", "5.10.0-60.66.0.91.oe2203", "x86_64"),
]


class RootedMachine(LocalMachine):
    """A PC whose files lie under a folder, and whose rpm, dnf and zypper are the real ones, told to work there."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.asked: list[list[str]] = []  # the programs that were run

    def _open(self, path: str) -> int:
        return super()._open(f"{self.root}{path}")

    def listdir(self, path: str) -> list[str]:
        """The names in a folder of the made-up PC."""
        return super().listdir(f"{self.root}{path}")

    def stat(self, path: str) -> Stat:
        """A file of the made-up PC."""
        return super().stat(f"{self.root}{path}")

    def uname(self) -> Uname:
        """An openEuler."""
        return Uname("Linux", "host-1", RUNNING, "x86_64")

    def run(self, argv: list[str], timeout: float = 20.0) -> Output:
        """A program of this PC on the files of the made-up one."""
        self.asked.append(argv)
        self.stat(argv[0])  # not there is not there
        more = {
            "rpm": ["--dbpath", f"{self.root}/var/lib/rpm"],
            "dnf-3": ["--installroot", str(self.root), f"--setopt=cachedir={self.root}/var/cache/dnf"],
            "zypper": ["--root", str(self.root)],
        }
        return super().run([argv[0], *more[Path(argv[0]).name], *argv[1:]], timeout)


@dataclass
class Pc:
    """The made-up PC."""

    root: Path
    archive: Path
    repositories: dict[str, str] = field(default_factory=dict)  # id -> folder of the archive

    def write(self, path: str, text: str = "") -> None:
        """A file of the PC."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def has(self, *programs: str) -> None:
        """It has these programs."""
        for program in programs:
            assert Path("/usr/bin", program).exists()
            self.write(f"usr/bin/{program}")

    def install(self, packages: str = "os") -> None:
        """Put packages of the archive into its database, and start it after that."""
        files = sorted((self.archive / packages).glob("*/*.rpm"))
        self.rpm("-i", *files)
        self.write("proc/stat", f"cpu  1 2 3\nbtime {STARTED}\n")

    def rpm(self, *argv: object) -> None:
        """Change the database."""
        must_run("/usr/bin/rpm", "--dbpath", self.root / "var/lib/rpm", "--nodeps", "--justdb", *argv)

    def uses(self, folder: str, *names: str, more: str = "") -> None:
        """Its software sources, in ``folder``."""
        for name in names:
            text = f"[{name}]\nname={name}\nbaseurl=file://{self.archive}/{name}\nenabled=1\ngpgcheck=0\n{more}"
            self.write(f"{folder}/{name}.repo", text)

    def machine(self) -> RootedMachine:
        """The PC as the collectors see it."""
        return RootedMachine(self.root)

    def refresh(self) -> None:
        """dnf makecache, or zypper refresh."""
        if (self.root / "usr/bin/dnf-3").exists():
            output = self.machine().run(["/usr/bin/dnf-3", "-q", "makecache"])
            assert output.status == 0, output.stderr.decode()
        if (self.root / "usr/bin/zypper").exists():
            output = self.machine().run(["/usr/bin/zypper", "--non-interactive", "--no-gpg-checks", "refresh"])
            assert output.status == 0, output.stderr.decode()


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repositories: os, update (with advisories), third (without any)."""
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}, of the packages rpm and createrepo-c")
    folder = tmp_path_factory.mktemp("archive")
    top = folder / "top"
    for name, packages in (("os", OS), ("update", UPDATE), ("third", THIRD)):
        for package in packages:
            spec = folder / "made-up.spec"
            spec.write_text(package.spec())
            settings = {"_topdir": top, "_rpmdir": folder / name, "debug_package": "%{nil}", "_build_id_links": "none"}
            defines = [word for key, value in settings.items() for word in ("--define", f"{key} {value}")]
            must_run("/usr/bin/rpmbuild", "-bb", "--quiet", "--target", package.arch, *defines, spec)
        must_run("/usr/bin/createrepo_c", "-q", folder / name)
    (folder / "updateinfo.xml").write_text(f"<?xml version='1.0'?>\n<updates>{''.join(ADVISORIES)}</updates>\n")
    # A mirror can strip the advisories, or keep an empty list of them.
    for name, text in (("stripped", None), ("emptied", "<?xml version='1.0'?>\n<updates></updates>\n")):
        shutil.copytree(folder / "update", folder / name)
        if text is not None:
            (folder / "empty.xml").write_text(text)
            must_run(
                "/usr/bin/modifyrepo_c", "--mdtype", "updateinfo", folder / "empty.xml", folder / name / "repodata"
            )
    must_run("/usr/bin/modifyrepo_c", folder / "updateinfo.xml", folder / "update/repodata")
    return folder


@pytest.fixture
def pc(tmp_path: Path, archive: Path) -> Iterator[Pc]:
    """A PC with rpm and nothing else. Debian's rpm keeps its database in the home folder where it is not told."""
    root = tmp_path / "pc"
    for folder in ("var/lib/rpm", "var/tmp", "var/log", "etc", "nonexistent"):
        (root / folder).mkdir(parents=True)
    for place in ("nonexistent/.rpmdb", "usr/lib/sysimage/rpm"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).symlink_to(Path("../" * place.count("/")) / "var/lib/rpm")
    made = Pc(root, archive)
    made.write("etc/os-release", 'ID="openEuler"\nVERSION_ID="22.03"\n')
    made.has("rpm")
    yield made
