"""The PC the agent runs on, asked through plain files, /proc and child processes.

Nothing a file or a program on the PC does may hang the agent, flood its memory or run in its name: a file must be a
regular one and is read up to a limit, a program is started by its absolute path in a small clean environment and is
killed with everything it started when it takes too long or prints too much.
"""

from __future__ import annotations

import importlib
import os
import platform
import stat as modes
import sys
import time
from typing import Any, Iterator

from muster_agent import child, procfs
from muster_agent.machine import (
    FILE_LIMIT,
    OUTPUT_LIMIT,
    STREAM_LIMIT,
    TIME_LIMIT,
    Answer,
    CannotRead,
    Denied,
    Listing,
    Machine,
    NotFound,
    Output,
    RegistryValue,
    Stat,
    Uname,
)

CHUNK = 1024 * 1024  # bytes a piece
PLATFORMS = {"linux": "linux", "win32": "windows", "darwin": "darwin"}


def refusal(error: OSError, path: str) -> CannotRead:
    """What an operating-system error about ``path`` means to a collector."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return NotFound(path)
    if isinstance(error, PermissionError):
        return Denied(path)
    return CannotRead("system_error", f"{path}: {error.strerror or error}")


class LocalMachine(Machine):
    """This PC. Files and programs are answered on every platform, processes and sockets on Linux so far."""

    def __init__(self, root_of_proc: str = "/proc") -> None:
        self.platform = PLATFORMS.get(sys.platform, sys.platform)
        self._proc = root_of_proc

    def uname(self) -> Uname:
        """What the system calls itself."""
        said = platform.uname()
        return Uname(said.system, said.node, said.release, said.machine)

    def privileged(self) -> bool:
        """Whether this user is root. Raises :class:`CannotRead` where the question is not built yet."""
        if not hasattr(os, "geteuid"):
            raise CannotRead("not_built", "privileged", "unsupported")
        return os.geteuid() == 0

    def _open(self, path: str) -> int:
        """A descriptor of the regular file at ``path``. O_NONBLOCK: opening a FIFO must not wait for its writer."""
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
        try:
            # Looked at before it is opened too: opening a device can already do something (rewind a tape).
            if not modes.S_ISREG(os.stat(path).st_mode):
                raise CannotRead("not_regular_file", path)
            descriptor = os.open(path, flags)
        except OSError as error:
            raise refusal(error, path) from error
        except ValueError as error:  # a NUL in the name
            raise NotFound(path) from error
        if not modes.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CannotRead("not_regular_file", path)
        return descriptor

    def read_chunks(self, path: str, limit: int = STREAM_LIMIT) -> Iterator[bytes]:
        """The bytes of a regular file, piece by piece, within ``limit`` bytes and the time of one program."""
        descriptor = self._open(path)
        try:
            deadline = time.monotonic() + TIME_LIMIT
            total = 0
            while True:
                try:
                    piece = os.read(descriptor, CHUNK)
                except OSError as error:
                    raise refusal(error, path) from error
                if not piece:
                    return
                total += len(piece)
                if total > limit:
                    raise CannotRead("too_large", path)
                if time.monotonic() > deadline:
                    raise CannotRead("timed_out", path)
                yield piece
        finally:
            os.close(descriptor)

    def read(self, path: str, limit: int = FILE_LIMIT) -> bytes:
        """The bytes of a regular file. A file longer than ``limit`` raises, it is never cut in silence."""
        return b"".join(self.read_chunks(path, limit))

    def read_start(self, path: str, count: int) -> bytes:
        """The first ``count`` bytes of a regular file."""
        descriptor = self._open(path)
        try:
            return os.read(descriptor, count)
        except OSError as error:
            raise refusal(error, path) from error
        finally:
            os.close(descriptor)

    def listdir(self, path: str) -> list[str]:
        """The sorted names in a folder."""
        try:
            return sorted(os.listdir(path))
        except OSError as error:
            raise refusal(error, path) from error

    def stat(self, path: str) -> Stat:
        """Size and modification time, links followed."""
        try:
            found = os.stat(path)
        except OSError as error:
            raise refusal(error, path) from error
        return Stat(size=found.st_size, mtime=int(found.st_mtime))

    def run(self, argv: list[str], timeout: float = TIME_LIMIT) -> Output:
        """Run the program at the absolute path ``argv[0]``: no shell, C locale, clean environment, bounded."""
        with child.started(argv) as program:
            stdout = b"".join(program.output(timeout, OUTPUT_LIMIT))
            return Output(program.status(), stdout, program.complaint)

    def run_chunks(self, argv: list[str], timeout: float = TIME_LIMIT, limit: int = STREAM_LIMIT) -> Iterator[bytes]:
        """What a program prints, piece by piece. A status other than 0 raises after the last piece."""
        with child.started(argv) as program:
            yield from program.output(timeout, limit)
            program.must_have_succeeded()

    def processes(self) -> Listing:
        """The running processes."""
        self._only_linux("processes")
        return procfs.processes(self._proc)

    def sockets(self) -> Listing:
        """The listening sockets; ``complete`` speaks of the owners."""
        self._only_linux("sockets")
        return procfs.sockets(self._proc, self.read)

    def registry_values(self, key: str) -> dict[str, RegistryValue]:
        """The values of a registry key, by name."""
        return self._registry(key).values(key)  # type: ignore[no-any-return]

    def registry_keys(self, key: str) -> list[str]:
        """The sorted names of the keys under a registry key."""
        return self._registry(key).keys(key)  # type: ignore[no-any-return]

    def _registry(self, key: str) -> Any:
        if self.platform != "windows":
            raise CannotRead("not_on_this_system", key, "unsupported")
        return importlib.import_module("muster_agent.windows.registry")

    def api(self, function: str, *arguments: str) -> Answer:
        """What a function of the operating system answers."""
        if self.platform not in ("windows", "darwin"):
            raise CannotRead("not_on_this_system", function, "unsupported")
        functions = importlib.import_module(f"muster_agent.{self.platform}.api")
        return functions.ask(function, *arguments)  # type: ignore[no-any-return]

    def _only_linux(self, question: str) -> None:
        if self.platform != "linux":
            raise CannotRead("not_built", question, "unsupported")
