"""Programs the agent starts: without a shell, in a clean environment, and never for longer or louder than allowed."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import Iterator

from muster_agent.machine import CannotRead, Denied, NotFound, program_failed

# Nothing of the caller's environment reaches the program: a fake PATH, LD_PRELOAD or PYTHONPATH of a user must not
# run in root's name. C: what a program prints must not depend on who asks.
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}
PIECE = 64 * 1024
COMPLAINT_LIMIT = 64 * 1024  # of stderr; what comes after it is read and dropped, so that the program can go on


class Child:
    """A running program whose two streams are read together."""

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv
        self.complaint = b""
        try:
            # Its own session is its own process group: what it starts is killed with it.
            self._process = subprocess.Popen(  # noqa: S603  # no shell, absolute path, clean environment
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(argv[0]) from error
        except PermissionError as error:
            raise Denied(argv[0]) from error
        except (OSError, ValueError) as error:
            raise CannotRead("system_error", f"{argv[0]}: {error}") from error

    def output(self, timeout: float, limit: int) -> Iterator[bytes]:
        """What it prints, piece by piece. Raises ``timed_out`` or ``too_large``."""
        deadline = time.monotonic() + timeout
        total = 0
        with selectors.DefaultSelector() as waiting:
            for stream in (self._process.stdout, self._process.stderr):
                waiting.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]
            while waiting.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise CannotRead("timed_out", self.argv[0])
                # A grandchild may hold the streams open for ever after the program itself has ended.
                ended = self._process.poll() is not None
                ready = waiting.select(min(left, 0.1))
                if ended and not ready:
                    return
                for key, _ in ready:
                    piece = os.read(key.fd, PIECE)
                    if not piece:
                        waiting.unregister(key.fileobj)
                    elif key.fileobj is self._process.stderr:
                        self.complaint = (self.complaint + piece)[:COMPLAINT_LIMIT]
                    else:
                        total += len(piece)
                        if total > limit:
                            raise CannotRead("too_large", self.argv[0])
                        yield piece

    def status(self) -> int:
        """The exit status, once its streams have ended."""
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
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


@contextlib.contextmanager
def started(argv: list[str]) -> Iterator[Child]:
    """Run the program at the absolute path ``argv[0]`` for the time of the block, and leave nothing of it behind."""
    if not hasattr(os, "killpg"):
        raise CannotRead("not_built", "run", "unsupported")
    if not os.path.isabs(argv[0]):
        raise ValueError("a program is named by its absolute path, not " + argv[0])
    running = Child(argv)
    try:
        yield running
    finally:
        running.end()
