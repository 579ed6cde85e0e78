"""Two versions side by side, as real processes: the released one out of its wheel, and this one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass
class Version:
    """One version of Muster: where its packages lie."""

    name: str
    paths: tuple[Path, ...]

    def words(self, module: str) -> list[str]:
        """The beginning of a command."""
        return [sys.executable, "-B", "-m", module]

    @property
    def env(self) -> dict[str, str]:
        """An environment in which it is found, and the other version is not."""
        return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, self.paths)), "MUSTER_LANG": "en"}

    def run(self, module: str, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*self.words(module), *words], input=given, capture_output=True, text=True, timeout=90, env=self.env
        )

    def agent(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """muster-agent."""
        return self.run("muster_agent", *words, given=given)

    def server(self, *words: str) -> subprocess.CompletedProcess[str]:
        """muster."""
        return self.run("muster_server", *words)


@dataclass
class Office:
    """A deployment of one version, and whether its server runs."""

    version: Version
    data: Path
    port: int = 0
    running: subprocess.Popen[str] | None = field(default=None)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server, on the port it had."""
        words = [*self.version.words("muster_server"), "--data", str(self.data), "serve", "--port", str(self.port)]
        self.running = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.version.env
        )
        assert self.running.stdout is not None
        for line in self.running.stdout:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found[1])
                return
        raise AssertionError(f"the server of {self.version.name} did not start")

    def stop(self) -> None:
        """Stop it."""
        if self.running is not None:
            self.running.send_signal(signal.SIGTERM)
            self.running.communicate(timeout=30)
            self.running = None

    def token(self) -> str:
        """A token for one PC."""
        done = self.version.server("--data", str(self.data), "token", "--unit", "IT")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def sequence(self) -> list[int]:
        """The numbers of the reports that were taken in, in the order they came."""
        import sqlite3

        with sqlite3.connect(f"file:{self.data / 'muster.db'}?mode=ro", uri=True) as connection:
            return [row[0] for row in connection.execute("SELECT seq FROM reports ORDER BY position")]


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The released version."""
    folder = tmp_path_factory.mktemp("released")
    [wheel] = HERE.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    version = Version("the released version", (folder,))
    said = version.agent("--version").stdout
    assert said.split()[-1] == wheel.name.split("-")[1]
    done = version.run("muster_agent", "--help")
    assert "receipts" not in done.stdout, "this is not the old one"
    return version


@pytest.fixture(scope="session")
def new() -> Version:
    """This version."""
    return Version("this version", (ROOT / "agent", ROOT / "server"))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Callable[[Version], Office]]:
    """Makes deployments with a server that runs."""
    made: list[Office] = []

    def begin(version: Version) -> Office:
        one = Office(version, tmp_path / f"data-{len(made)}")
        done = version.server("--data", str(one.data), "init")
        assert done.returncode == 0, done.stderr
        made.append(one)
        one.start()
        return one

    yield begin
    for one in made:
        one.stop()
