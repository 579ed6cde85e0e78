"""Orders to build packages from, a real server on loopback, and a Debian root to install into."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import muster_agent
from muster_server.demo import running
from muster_server.packaging.contents import Order, Provided

ENVIRONMENT = {**os.environ, "MUSTER_LANG": "en", "COLUMNS": "100"}
ENVIRONMENT.pop("MUSTER_DATA", None)
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
BUILD_LIMIT = 540  # seconds for debootstrap on a slow mirror
AUTHORITY = b"-----BEGIN CERTIFICATE-----\nnot looked into by what packs it\n-----END CERTIFICATE-----\n"


def muster(*words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command muster."""
    line = [sys.executable, "-m", "muster_server", *map(str, words)]
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)


# The longer proofs, which boot a system or install Windows's scripts under wine (`make installs`), are asked for
# and not skipped elsewhere.
collect_ignore = [] if os.environ.get("MUSTER_LONG") else ["test_systemd.py", "test_windows_under_wine.py"]


@pytest.fixture
def order() -> Order:
    """An order with everything a package can hold."""
    return Order(Provided("https://muster.office.lan:8470", "财务科", "t-o_k3n", AUTHORITY, "ab" * 32))


@pytest.fixture(scope="session")
def newer_agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent as version 0.2.0."""
    source = Path(muster_agent.__file__).resolve().parent
    copied = tmp_path_factory.mktemp("newer") / "muster_agent"
    shutil.copytree(source, copied, ignore=shutil.ignore_patterns("__pycache__"))
    start = copied / "__init__.py"
    start.write_text(start.read_text().replace(f'"{muster_agent.__version__}"', '"0.2.0"'))
    return copied


def program(machine: int) -> bytes:
    """As much of a Windows program as tells its processor."""
    return b"MZ" + bytes(0x3A) + struct.pack("<I", 0x40) + b"PE\0\0" + struct.pack("<H", machine) + bytes(64)


@pytest.fixture
def embeddable(tmp_path: Path) -> Callable[..., Path]:
    """Makes zips in the form of python.org's embeddable packages."""

    def make(minor: int = 8, machine: int = 0x8664, without: str = "") -> Path:
        path = tmp_path / f"python-3.{minor}.10-embed-{machine:x}.zip"
        files = {
            "python.exe": program(machine),
            f"python3{minor}.dll": program(machine),
            f"python3{minor}.zip": b"the standard library",
            f"python3{minor}._pth": f"python3{minor}.zip\r\n.\r\n\r\n#import site\r\n".encode(),
        }
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                if not without or not name.endswith(without):
                    archive.writestr(name, data)
        return path

    return make


@pytest.fixture
def wheels(tmp_path: Path) -> Callable[..., Path]:
    """Makes folders of wheels with the names given."""

    def make(*names: str) -> Path:
        folder = tmp_path / "wheels"
        folder.mkdir(exist_ok=True)
        for name in names:
            with zipfile.ZipFile(folder / name, "w") as archive:
                archive.writestr(f"{name.split('-')[0]}/__init__.py", name)
        return folder

    return make


@pytest.fixture
def libraries() -> tuple[str, ...]:
    """The wheels a Windows package needs for CPython 3.8."""
    return (
        "cffi-1.17.1-cp38-cp38-win_amd64.whl",
        "cryptography-41.0.7-cp37-abi3-win_amd64.whl",
        "psutil-7.2.2-cp37-abi3-win_amd64.whl",
        "pycparser-2.23-py3-none-any.whl",
    )


@pytest.fixture
def full(
    order: Order, embeddable: Callable[..., Path], wheels: Callable[..., Path], libraries: tuple[str, ...]
) -> Order:
    """An order with a Python and its libraries."""
    return replace(order, python=embeddable(), wheels=wheels(*libraries))


@dataclass
class Office:
    """A deployment and its running server."""

    data: Path
    address: str

    def token(self, uses: int = 1) -> str:
        """A new token of the unit 财务科."""
        done = muster("--data", self.data, "token", "--unit", "财务科", "--uses", str(uses))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def package(self, kind: str, out: Path, token: str | None = None) -> Path:
        """A package as the command makes it."""
        words = ["--data", self.data, "agent", "package", "--server", self.address, "--unit", "财务科"]
        done = muster(*words, "--token", token or self.token(), "--for", kind, "--out", out)
        assert done.returncode == 0, done.stderr
        found = re.search(r"^made (.+) \(", done.stdout, re.MULTILINE)
        assert found, done.stdout
        return Path(found[1])

    def order(self, **more: object) -> Order:
        """An order of this office."""
        return replace(Order(Provided(self.address, "财务科", self.token())), **more)  # type: ignore[arg-type]

    def reports(self) -> list[tuple[str, int]]:
        """Who has reported: the id of the PC and the number of the report."""
        import sqlite3

        connection = sqlite3.connect(self.data / "muster.db")
        try:
            return connection.execute(
                "SELECT agents.id, seq FROM reports JOIN agents ON agents.number = agent ORDER BY position"
            ).fetchall()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A deployment that receives reports on loopback."""
    data = tmp_path_factory.mktemp("office") / "data"
    assert muster("--data", data, "init").returncode == 0
    with running.server(data, 0) as address:
        yield Office(data, address)


class Root:
    """A Debian system in a folder. Programs in it see the network of this machine and processes of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def run(self, *words: str, user: int = 0, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program inside; /proc is mounted for the time of it and in nobody else's sight."""
        inner = ["chroot", f"--userspec={user}:{user}", str(self.path), *words]
        line = ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={self.path / 'proc'}", *inner]
        env = {"PATH": PATH, "LC_ALL": "C.UTF-8", "MUSTER_LANG": "en", "DEBIAN_FRONTEND": "noninteractive"}
        return subprocess.run(line, input=given, capture_output=True, text=True, timeout=300, env=env)

    def must(self, *words: str, **more: int) -> str:
        """Run a program that must succeed; returns what it printed."""
        done = self.run(*words, **more)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def bring(self, path: Path) -> str:
        """Copy a file in; returns its path inside."""
        shutil.copy(path, self.path / "srv" / path.name)
        return f"/srv/{path.name}"

    def files(self) -> set[str]:
        """Everything that lies inside, but for what dpkg and apt keep of their own work."""
        ours = subprocess.run(
            ["find", ".", "-xdev", "-not", "-path", "./proc/*", "-print"],
            cwd=self.path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        own = ("./var/lib/dpkg/", "./var/lib/apt/", "./var/cache/", "./var/log/", "./srv/", "./tmp/", "./run/")
        return {name for name in ours if not name.startswith(own)}


def mirror() -> tuple[str, str]:
    """The mirror and the code name of the Debian this machine installs from."""
    said = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(CODENAME) $(COMPONENT) $(LABEL)",
            "Created-By: Packages",
        ],
        capture_output=True,
        text=True,
    ).stdout
    for line in said.splitlines():
        address, name, component, label = line.split(" ", 3)
        if (component, label) == ("main", "Debian") and "-" not in name:
            return address, name
    pytest.skip("this machine does not install from a Debian mirror")


@pytest.fixture(scope="session")
def built_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A minimal Debian with the agent's dependencies, made once."""
    if os.geteuid() != 0:
        pytest.skip("making a Debian root needs root")
    for tool in ("debootstrap", "unshare", "chroot"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}")
    address, name = mirror()
    path = tmp_path_factory.mktemp("root") / name
    needs = "python3,python3-cryptography,python3-cffi-backend"  # the last is virtual to debootstrap
    line = ["debootstrap", "--variant=minbase", f"--include={needs}", name, str(path), address]
    done = subprocess.run(line, capture_output=True, text=True, timeout=BUILD_LIMIT)
    if done.returncode != 0:
        pytest.skip(f"debootstrap failed: {(done.stdout + done.stderr).strip().splitlines()[-1]}")
    yield path
    shutil.rmtree(path)  # pytest keeps what the last sessions made, and this is a whole system


@contextmanager
def layered(base: Path, folder: Path) -> Iterator[Root]:
    """The root ``base`` to write to as one likes: what is written lies in a layer of its own and goes afterwards."""
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True)
    options = f"lowerdir={base},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(folder / "root")], check=True)
    try:
        yield Root(folder / "root")
    finally:
        subprocess.run(["umount", str(folder / "root")], check=True)


@pytest.fixture
def root(built_root: Path, tmp_path: Path) -> Iterator[Root]:
    """A fresh Debian root."""
    with layered(built_root, tmp_path / "layer") as made:
        yield made
