"""Programs read by threads, as on Windows: the reading is the same everywhere, so it is tried with programs of this PC.

What starts and ends them there (job objects, no window) is tried in test_on_windows.py.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_agent.local.child import Child
from muster_agent.local.windows.child import Pumped, environment
from muster_agent.machine import CannotRead

pytestmark = pytest.mark.skipif(os.name == "nt", reason="starts programs of this PC as on Linux and macOS")


class PumpedChild(Child):
    """A program of this PC, its streams read by threads."""

    pumped: Pumped

    def _streams(self) -> Pumped:
        self.pumped = Pumped(self._process)
        return self.pumped

    def _release(self) -> None:
        self.pumped.finish()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], PumpedChild]]:
    """Starts a program of the given text."""
    children: list[PumpedChild] = []
    path = tmp_path / "program"

    def start(text: str) -> PumpedChild:
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        children.append(PumpedChild([str(path)]))
        return children[-1]

    yield start
    for child in children:
        child.end()
    assert [thread for thread in threading.enumerate() if "_pump" in thread.name] == []


def test_both_streams_arrive_whole(program: Callable[[str], PumpedChild]) -> None:
    child = program("head -c 3000000 /dev/zero; head -c 1000000 /dev/zero >&2; exit 3")
    assert sum(len(piece) for piece in child.output(10, 2**24)) == 3_000_000
    assert (child.status(), len(child.complaint)) == (3, 64 * 1024)


def test_one_that_hangs_is_given_up(program: Callable[[str], PumpedChild]) -> None:
    child = program("echo first; exec sleep 60")
    begun = time.monotonic()
    with pytest.raises(CannotRead, match="timed_out"):
        list(child.output(0.5, 1000))
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(("stream", "code"), [("", "too_large"), (" >&2", "timed_out")])
def test_one_that_prints_for_ever_is_stopped(program: Callable[[str], PumpedChild], stream: str, code: str) -> None:
    child = program(f"exec yes muster{stream}")
    with pytest.raises(CannotRead, match=code):
        list(child.output(1, 2**20))


def test_one_left_half_read_keeps_no_thread(program: Callable[[str], PumpedChild]) -> None:
    child = program("exec yes muster")
    assert next(child.output(5, 2**30)).startswith(b"muster")


def test_a_grandchild_that_holds_the_streams_is_not_waited_for(program: Callable[[str], PumpedChild]) -> None:
    child = program("sleep 60 &\necho done")
    begun = time.monotonic()
    assert b"".join(child.output(20, 1000)) == b"done\n"
    assert time.monotonic() - begun < 6


def test_nothing_of_a_users_environment_reaches_a_program() -> None:
    said = environment(r"D:\Windows", r"D:\Windows\System32")
    assert said["SystemRoot"] == r"D:\Windows"
    assert said["SystemDrive"] == "D:"
    assert said["PSModulePath"] == r"D:\Windows\System32\WindowsPowerShell\v1.0\Modules"
    assert not {"USERPROFILE", "APPDATA", "HOME", "COMSPEC"} & set(said)
    assert all(value.startswith("D:") for name, value in said.items() if name != "PATHEXT")
