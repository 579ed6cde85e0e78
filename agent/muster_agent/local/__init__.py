"""The PC the agent runs on, asked through plain files, /proc or psutil, the registry, system calls, child processes.

Nothing a file or a program on the PC does may hang the agent, flood its memory or run in its name: a file must be a
regular one and is read up to a limit, a program is started by its absolute path in a small clean environment and is
killed with everything it started when it takes too long or prints too much.
"""

from __future__ import annotations

import errno
import importlib
import os
import stat as modes
import sys
import time
from typing import Any, Iterator

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

CHUNK = 256 * 1024  # bytes a piece: what the processor can keep at hand while it is read
PLATFORMS = {"linux": "linux", "win32": "windows", "darwin": "darwin"}
# winerror.h: a program holds the file open for itself alone, or part of it; there is no medium in the drive. Python
# makes PermissionError of them, and no right would help.
IN_USE, NOT_READY = (32, 33), 21


def refusal(error: OSError, path: str) -> CannotRead:
    """What an operating-system error about ``path`` means to a collector."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return NotFound(path)
    number = getattr(error, "winerror", None)
    if number in IN_USE:
        return CannotRead("in_use", path)
    if isinstance(error, PermissionError) and number != NOT_READY:
        return Denied(path)
    return CannotRead("system_error", f"{path}: {error.strerror or error}")


def unreadable(error: OSError, path: str) -> CannotRead:
    """What an error while reading means. On Windows what could be opened may be read, unless that part is locked."""
    if sys.platform == "win32" and isinstance(error, PermissionError):
        return CannotRead("in_use", path)
    return refusal(error, path)


def native(path: str) -> str:
    """``path`` as this system has to be given it."""
    if sys.platform != "win32":
        return path
    from muster_agent.local.windows import paths

    return paths.native(path)


def opened(path: str) -> int:
    """A descriptor of what is at ``path``, as :func:`native` names it. Raises ``OSError``."""
    if sys.platform == "win32":
        from muster_agent.local.windows import files

        return files.opened(path)
    # O_NONBLOCK: opening a FIFO must not wait for its writer.
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)


class LocalMachine(Machine):
    """This PC. What a question needs is imported when it is first asked: a run on Linux loads nothing of Windows."""

    def __init__(self, root_of_proc: str = "/proc") -> None:
        self.platform = PLATFORMS.get(sys.platform, sys.platform)
        self._proc = root_of_proc
        self._processes: Listing | None = None
        if sys.platform == "win32":
            from muster_agent.local.windows import error_mode

            error_mode.be_quiet()

    def uname(self) -> Uname:
        """What the system calls itself."""
        if sys.platform == "win32":
            from muster_agent.local.windows import identity

            return identity.uname()
        # platform.uname() would start the program uname through a shell in older Pythons.
        said = os.uname()
        return Uname(said.sysname, said.nodename, said.release, said.machine)

    def privileged(self) -> bool:
        """Whether this user is root, or an administrator whose rights are in force."""
        if sys.platform == "win32":
            from muster_agent.local.windows import identity

            return identity.is_administrator()
        return os.geteuid() == 0

    def _open(self, path: str) -> int:
        """A descriptor of the regular file at ``path``."""
        try:
            # Looked at before it is opened too: opening a device can already do something (rewind a tape).
            if not modes.S_ISREG(os.stat(native(path)).st_mode):
                raise CannotRead("not_regular_file", path)
            descriptor = opened(native(path))
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
        return self._pieces(path, limit, last=1)

    def _pieces(self, path: str, limit: int, last: int) -> Iterator[bytes]:
        """The pieces of a file, of which one of fewer than ``last`` bytes is the last."""
        descriptor = self._open(path)
        try:
            deadline = time.monotonic() + TIME_LIMIT
            total = 0
            while True:
                try:
                    piece = os.read(descriptor, CHUNK)
                except OSError as error:
                    raise unreadable(error, path) from error
                total += len(piece)
                if total > limit:
                    raise CannotRead("too_large", path)
                if piece:
                    if time.monotonic() > deadline:
                        raise CannotRead("timed_out", path)
                    yield piece
                if len(piece) < last:
                    return
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
            raise unreadable(error, path) from error
        finally:
            os.close(descriptor)

    def listdir(self, path: str) -> list[str]:
        """The sorted names in a folder."""
        try:
            return sorted(os.listdir(native(path)))
        except OSError as error:
            raise refusal(error, path) from error
        except ValueError as error:  # a NUL in the name
            raise NotFound(path) from error

    def stat(self, path: str) -> Stat:
        """Size and modification time, links followed."""
        try:
            found = os.stat(native(path))
        except OSError as error:
            raise refusal(error, path) from error
        except ValueError as error:  # a NUL in the name
            raise NotFound(path) from error
        return Stat(size=found.st_size, mtime=int(found.st_mtime))

    def readlink(self, path: str) -> str:
        """Where a symbolic link leads, as it is written."""
        try:
            return os.readlink(native(path))
        except OSError as error:
            raise (CannotRead("not_a_link", path) if error.errno == errno.EINVAL else refusal(error, path)) from error

    def run(self, argv: list[str], timeout: float = TIME_LIMIT) -> Output:
        """Run the program at the absolute path ``argv[0]``: no shell, C locale, clean environment, bounded."""
        from muster_agent.local import child

        with child.started(argv) as program:
            stdout = b"".join(program.output(timeout, OUTPUT_LIMIT))
            return Output(program.status(), stdout, program.complaint)

    def run_chunks(self, argv: list[str], timeout: float = TIME_LIMIT, limit: int = STREAM_LIMIT) -> Iterator[bytes]:
        """What a program prints, piece by piece. A status other than 0 raises after the last piece."""
        from muster_agent.local import child

        with child.started(argv) as program:
            yield from program.output(timeout, limit)
            program.must_have_succeeded()

    def unpacked_chunks(self, path: str, argv: list[str]) -> Iterator[bytes]:
        """What the packed file at ``path`` holds: by the library that packed it, else by the program ``argv``."""
        from muster_agent.system import lz4

        if path.endswith(lz4.SUFFIX) and lz4.available():
            return lz4.unpacked(self.read_chunks(path), path)
        return self.run_chunks(argv)

    def processes(self) -> Listing:
        """The running processes, looked at once a run: several tables rest on them, and should tell of the same."""
        if self._processes is None:
            self._processes = self._look_at_processes()
        return self._processes

    def _look_at_processes(self) -> Listing:
        if self.platform != "linux":
            return self._by_psutil("processes").processes()  # type: ignore[no-any-return]
        from muster_agent.system import procfs

        return procfs.processes(self._proc)

    def sockets(self) -> Listing:
        """The listening sockets; ``complete`` speaks of the owners."""
        if self.platform != "linux":
            return self._by_psutil("sockets").sockets()  # type: ignore[no-any-return]
        from muster_agent.system import procfs

        def read(path: str) -> bytes:
            return b"".join(self._pieces(path, FILE_LIMIT, procfs.ROOM))

        return procfs.sockets(self._proc, read)

    def _by_psutil(self, question: str) -> Any:
        """The module that asks psutil, which need not be installed. Raises ``no_psutil``."""
        try:
            return importlib.import_module("muster_agent.local.psutil_listing")
        except ImportError as error:
            raise CannotRead("no_psutil", question, "unsupported") from error

    def registry_values(self, key: str) -> dict[str, RegistryValue]:
        """The values of a registry key, by name."""
        return self._registry(key).values(key)  # type: ignore[no-any-return]

    def registry_keys(self, key: str) -> list[str]:
        """The sorted names of the keys under a registry key."""
        return self._registry(key).keys(key)  # type: ignore[no-any-return]

    def _registry(self, key: str) -> Any:
        if self.platform != "windows":
            raise CannotRead("not_on_this_system", key, "unsupported")
        return importlib.import_module("muster_agent.local.windows.registry")

    def api(self, function: str, *arguments: str) -> Answer:
        """What a function of the operating system answers."""
        if self.platform not in ("windows", "darwin"):
            raise CannotRead("not_on_this_system", function, "unsupported")
        functions = importlib.import_module(f"muster_agent.local.{self.platform}.api")
        return functions.ask(function, *arguments)  # type: ignore[no-any-return]
