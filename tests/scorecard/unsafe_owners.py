"""Scorecard 10: an agent that root runs, in an installation that somebody else can change, refuses to start.

    python tests/scorecard/unsafe_owners.py        (root; Linux)

Each case lays a whole agent down in a folder of its own, makes one thing unsafe, and starts the real program. It must
refuse with exit code 5 and name what is wrong, before it has sent or collected anything; and the same installation must
run once that is mended. On Windows the access lists stand for this (tests/server/packaging/test_windows.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import muster_agent

STRANGER = 65534  # nobody
REFUSALS = ("refusing to run",)


@dataclass
class Installed:
    """An agent as a package lays it down: everything root's own."""

    root: Path

    @property
    def above(self) -> Path:
        """The folder above the program's."""
        return self.root / "usr"

    @property
    def program(self) -> Path:
        """The program's folder."""
        return self.above / "agent"

    @property
    def module(self) -> Path:
        """A file of the program."""
        return self.program / "muster_agent" / "collect" / "__init__.py"

    @property
    def state(self) -> Path:
        """The folder above the agent's own."""
        return self.root / "var"

    @property
    def home(self) -> Path:
        """The agent's own folder."""
        return self.state / "home"

    @property
    def python(self) -> Path:
        """A link to the Python that runs it, in a folder of its own."""
        return self.root / "bin" / "python3"

    def lay(self) -> None:
        """Lay it down."""
        for folder in (self.program, self.home, self.python.parent):
            folder.mkdir(parents=True)
        source = Path(muster_agent.__file__).parent
        shutil.copytree(source, self.program / "muster_agent", ignore=shutil.ignore_patterns("__pycache__"))
        self.python.symlink_to(os.path.realpath(sys.executable))
        self.home.chmod(0o711)
        (self.home / "key.pem").touch(mode=0o600)
        (self.home / "agent.conf").write_text('{"server": "http://127.0.0.1:9", "unit": "IT"}')

    def run(self) -> subprocess.CompletedProcess[str]:
        """Start it."""
        start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from muster_agent.cli import start; start()"
        words = ["-IB", "-c", start, str(self.program), "--lang", "en", "run", "--home", str(self.home)]
        return subprocess.run([str(self.python), *words], capture_output=True, text=True, timeout=60, check=False)


def given(path: Callable[[Installed], Path]) -> Callable[[Installed], None]:
    """Make a path somebody else's."""
    return lambda one: os.chown(path(one), STRANGER, STRANGER, follow_symlinks=False)


def opened(path: Callable[[Installed], Path], mode: int) -> Callable[[Installed], None]:
    """Give a path a mode."""
    return lambda one: path(one).chmod(mode)


def grouped(path: Callable[[Installed], Path]) -> Callable[[Installed], None]:
    """Make a path writable by a group of users."""

    def unsafe(one: Installed) -> None:
        os.chown(path(one), 0, STRANGER)
        path(one).chmod(0o775)

    return unsafe


CASES: dict[str, Callable[[Installed], None]] = {
    "a file of the program that all may write": opened(lambda one: one.module, 0o666),
    "a file of the program that is another's": given(lambda one: one.module),
    "a folder of the program that all may write": opened(lambda one: one.module.parent, 0o777),
    "the program's folder is another's": given(lambda one: one.program),
    "the program's folder is a group's": grouped(lambda one: one.program),
    "the folder above the program that all may write": opened(lambda one: one.above, 0o777),
    "the folder above the program is another's": given(lambda one: one.above),
    "the folder of the Python is another's": given(lambda one: one.python.parent),
    "the link to the Python is another's": given(lambda one: one.python),
    "the agent's folder that all may write": opened(lambda one: one.home, 0o777),
    "the agent's folder is another's": given(lambda one: one.home),
    "the folder above the agent's that all may write": opened(lambda one: one.state, 0o777),
    "the folder above the agent's is another's": given(lambda one: one.state),
    "settings that all may write": opened(lambda one: one.home / "agent.conf", 0o666),
    "settings that are another's": given(lambda one: one.home / "agent.conf"),
    "a key that all may read": opened(lambda one: one.home / "key.pem", 0o644),
}


@contextmanager
def installed() -> Iterator[Installed]:
    """A safe installation, below a folder as safe as /tmp is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the folders below are what is tested
        one = Installed(Path(folder))
        one.lay()
        yield one


def refused(name: str) -> str | None:
    """Whether one case is refused: the line that says so, or None."""
    with installed() as one:
        if name == "a key that all may read":
            # The key is looked at once there is an enrolment it belongs to.
            (one.home / "agent.conf").unlink()
            (one.home / "enrolment.json").write_text(ENROLLED)
            (one.home / "state.json").write_text('{"seq": 0, "digest": "%s", "known": []}' % ("0" * 64))
        CASES[name](one)
        done = one.run()
    said = done.stderr.splitlines()
    good = done.returncode == 5 and len(said) == 2 and any(words in said[0] for words in REFUSALS)
    return said[0] if good else None


ENROLLED = (
    '{"server": "http://127.0.0.1:9", "agent": "00000000-0000-4000-8000-000000000000", "unit": "IT", '
    '"server_key": "%s", "ca": null}' % ("0" * 64)
)


def figure() -> tuple[int, int]:
    """(refused, cases)."""
    return sum(refused(name) is not None for name in CASES), len(CASES)


if __name__ == "__main__":
    for name in CASES:
        print(f"{'refused' if refused(name) else 'STARTED':8} {name}")
