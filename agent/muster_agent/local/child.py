"""Programs the agent starts: without a shell, in a clean environment, and never for longer or louder than allowed."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
from typing import Any, Iterator

from muster_agent.machine import CannotRead, Denied, NotFound, program_failed

# Nothing of the caller's environment reaches the program: a fake PATH, LD_PRELOAD or PYTHONPATH of a user must not
# run in root's name. C: what a program prints must not depend on who asks.
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}
PIECE = 256 * 1024
# Of the pipe: with the usual 64 KiB a program that prints 50 MB waits for us 800 times, and we for it.
F_SETPIPE_SZ, PIPE = 1031, 512 * 1024  # fcntl-linux.h
COMPLAINT_LIMIT = 64 * 1024  # of stderr; what comes after it is read and dropped, so that the program can go on
MARK = "MUSTER_AGENT_CHILD"  # in the environment of what is started here, so that it is found in any session
ENVIRON_LIMIT = 256 * 1024  # bytes of an environment that are looked at
PASSES = 5  # over all processes, while new ones keep appearing
TURN = 0.1  # seconds to wait for output before looking at the clock again


class Selected:
    """The two streams of a program, waited for together."""

    turns_after_end = 1  # what a program wrote before it ended is ready at once

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        import selectors  # Windows cannot wait for pipes in this way

        self._waiting = selectors.DefaultSelector()
        for stream in (process.stdout, process.stderr):
            self._waiting.register(stream, selectors.EVENT_READ, stream is process.stderr)  # type: ignore[arg-type]
        if sys.platform == "linux" and process.stdout is not None:
            import fcntl

            with contextlib.suppress(OSError):  # this user has too many large ones already
                fcntl.fcntl(process.stdout, F_SETPIPE_SZ, PIPE)

    def open(self) -> bool:
        """Whether one of them may still bring something."""
        return bool(self._waiting.get_map())

    def ready(self, seconds: float) -> list[tuple[bool, bytes]]:
        """What came within ``seconds``: (whether it is a complaint, the bytes). An empty piece ends its stream."""
        found = []
        for key, _ in self._waiting.select(seconds):
            piece = os.read(key.fd, PIECE)
            if not piece:
                self._waiting.unregister(key.fileobj)
            found.append((key.data, piece))
        return found

    def close(self) -> None:
        """Stop waiting."""
        self._waiting.close()


class Child:
    """A running program whose two streams are read together."""

    patience: float | None = None  # seconds to wait for it once it is killed: until it is gone

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv
        self.complaint = b""
        self.finished = False  # whether it said all it had to say, and nothing holds its streams any more
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        try:
            os.stat(argv[0])  # a fork that finds out takes thousand times as long
            self._process = self._start()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(argv[0]) from error
        except PermissionError as error:
            raise Denied(argv[0]) from error
        except (OSError, ValueError) as error:
            raise CannotRead("system_error", f"{argv[0]}: {error}") from error

    def _start(self) -> subprocess.Popen[bytes]:
        # Its own session is its own process group: what it starts is killed with it.
        return subprocess.Popen(  # noqa: S603  # no shell, absolute path, clean environment
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**ENVIRONMENT, MARK: self.mark},
            cwd="/",
            start_new_session=True,
        )

    def _streams(self) -> Any:
        return Selected(self._process)

    def output(self, timeout: float, limit: int) -> Iterator[bytes]:
        """What it prints, piece by piece. Raises ``timed_out`` or ``too_large``."""
        deadline = time.monotonic() + timeout
        total = silent = 0
        with contextlib.closing(self._streams()) as streams:
            while streams.open():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise CannotRead("timed_out", self.argv[0])
                # A grandchild may hold the streams open for ever after the program itself has ended.
                ended = self._process.poll() is not None
                ready = streams.ready(min(left, TURN))
                silent = silent + 1 if ended and not ready else 0
                if silent == streams.turns_after_end:
                    return
                for complains, piece in ready:
                    if complains:
                        self.complaint = (self.complaint + piece)[:COMPLAINT_LIMIT]
                        continue
                    total += len(piece)
                    if total > limit:
                        raise CannotRead("too_large", self.argv[0])
                    if piece:
                        yield piece
        self.finished = True

    def status(self) -> int:
        """The exit status, once its streams have ended."""
        for _ in range(20):  # it is about to end, too; Popen.wait looks again after half a millisecond at the earliest
            if self._process.poll() is not None:
                break
            time.sleep(0.00005)
        try:
            return self._process.wait(timeout=5)
        except subprocess.TimeoutExpired as error:
            raise CannotRead("timed_out", self.argv[0]) from error

    def must_have_succeeded(self) -> None:
        """Raise ``program_failed`` unless the exit status is 0."""
        status = self.status()
        if status != 0:
            raise program_failed(self.argv, status, self.complaint)

    def end(self) -> None:
        """Kill it with everything it started, and release what it held."""
        self._kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=self.patience)
        self._release()

    def _kill(self) -> None:
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if sys.platform == "linux" and not self.finished:
            # Started by a timer, the control group would end it; run by hand there is none. Only after a program that
            # went wrong: to look at all processes takes as long as a small program.
            kill_marked(self.mark)

    def _release(self) -> None:
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def kill_marked(mark: str, proc: str = "/proc") -> None:
    """End every process that has this mark in the environment it was started with, whatever session it is in."""
    wanted = f"{MARK}={mark}".encode("ascii")
    for _ in range(PASSES):
        found = [pid for pid in os.listdir(proc) if pid.isdigit() and _marked(f"{proc}/{pid}", wanted)]
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)
        if not found:
            return


def _marked(process: str, wanted: bytes) -> bool:
    try:
        with open(process + "/environ", "rb") as file:
            if wanted not in file.read(ENVIRON_LIMIT).split(b"\0"):
                return False
        with open(process + "/stat", "rb") as file:
            return file.read(4096).rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        return False


@contextlib.contextmanager
def started(argv: list[str]) -> Iterator[Child]:
    """Run the program at the absolute path ``argv[0]`` for the time of the block, and leave nothing of it behind."""
    if not os.path.isabs(argv[0]):
        raise ValueError("a program is named by its absolute path, not " + argv[0])
    windows = sys.platform == "win32"
    kind: Any = importlib.import_module("muster_agent.local.windows.child").WindowsChild if windows else Child
    running: Child = kind(argv)
    try:
        yield running
    finally:
        running.end()
