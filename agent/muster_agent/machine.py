"""The one door to a PC. A collector asks a Machine and never opens a file, starts a program or lists processes itself.

So the same collector runs on the PC (:class:`muster_agent.local.LocalMachine`), over SSH, and in a test against the
recording of a real PC (:class:`muster_agent.recording.RecordedMachine`).

Every question either answers or raises :class:`CannotRead`; none returns an empty answer for a failure.

    CannotRead            the question could not be answered; says why
    ├── NotFound          there is no such file, folder or program: often an answer in itself
    └── Denied            it is there, and this user may not read it
"""

from __future__ import annotations

import abc
from typing import Any, Callable, Dict, Iterator, List, Tuple, TypeVar, Union

from muster_agent.dataclass import dataclass
from muster_agent.facts import Problem

T = TypeVar("T")

FILE_LIMIT = 64 * 1024 * 1024  # the largest apt list of a full desktop archive is about 50 MB
OUTPUT_LIMIT = 64 * 1024 * 1024
STREAM_LIMIT = 512 * 1024 * 1024  # read in pieces, so it costs time and no memory: 512 MB is about a second
TIME_LIMIT = 20.0  # seconds for one program; the slowest allowed one (apt-helper on a cold disk) needs about one


# A value of the Windows registry: text, number, bytes, or several texts (REG_SZ, REG_DWORD and REG_QWORD, REG_BINARY,
# REG_MULTI_SZ).
RegistryValue = Union[str, int, bytes, Tuple[str, ...]]
# What a function of the system answers, as JSON knows it.
Answer = Union[None, bool, int, str, List[Any], Dict[str, Any]]


class CannotRead(Exception):
    """A question to the machine that has no answer. ``code`` is a key of words.json, ``detail`` what it was about."""

    status = "error"

    def __init__(self, code: str, detail: str = "", status: str | None = None) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        if status is not None:
            self.status = status

    def problem(self, column: str | None = None) -> Problem:
        """This failure as the fact it is."""
        return Problem(status=self.status, code=self.code, detail=self.detail, column=column)


class NotFound(CannotRead):
    """There is no such file, folder or program."""

    def __init__(self, detail: str) -> None:
        super().__init__("not_found", detail)


class Denied(CannotRead):
    """It exists, and this user may not read it."""

    status = "denied"

    def __init__(self, detail: str) -> None:
        super().__init__("denied", detail)


def program_failed(argv: list[str], status: int, stderr: bytes) -> CannotRead:
    """A program that ended with ``status``, with the last line of what it complained about."""
    complaint = stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return CannotRead("program_failed", f"{argv[0]} ({status}): {complaint}"[:200])


@dataclass(frozen=True)
class Stat:
    """What a collector may ask of a file without reading it."""

    size: int  # bytes
    mtime: int  # seconds since 1970, UTC


@dataclass(frozen=True)
class Uname:
    """What the system calls itself."""

    system: str  # Linux, Windows, Darwin
    node: str  # host name
    release: str  # kernel release
    machine: str  # x86_64, aarch64, loongarch64


@dataclass(frozen=True)
class Output:
    """What a program printed. A status other than 0 is an answer, not an exception."""

    status: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Process:
    """A running process."""

    pid: int
    name: str  # base name of the program
    path: str | None  # its file; None when it belongs to another user or to the kernel


@dataclass(frozen=True)
class Socket:
    """A listening TCP socket or an unconnected UDP socket."""

    protocol: str  # tcp or udp
    family: str  # ipv4 or ipv6
    address: str
    port: int
    process: str | None  # name of the program; None when it belongs to another user
    path: str | None  # its file; None when it belongs to another user


@dataclass(frozen=True)
class Listing:
    """Rows and whether all of them could be seen. An incomplete listing proves presence, never absence."""

    rows: tuple[Any, ...]
    complete: bool
    problem: Problem | None = None  # why it is incomplete


class Machine(abc.ABC):
    """A PC, seen through the questions a collector may ask."""

    platform: str  # linux, windows or darwin

    @abc.abstractmethod
    def uname(self) -> Uname:
        """What the system calls itself."""

    @abc.abstractmethod
    def privileged(self) -> bool:
        """Whether this user is root or an administrator."""

    @abc.abstractmethod
    def read(self, path: str, limit: int = FILE_LIMIT) -> bytes:
        """The bytes of a regular file. A file longer than ``limit`` raises, it is never cut in silence."""

    @abc.abstractmethod
    def read_start(self, path: str, count: int) -> bytes:
        """The first ``count`` bytes of a regular file."""

    @abc.abstractmethod
    def listdir(self, path: str) -> list[str]:
        """The sorted names in a folder."""

    @abc.abstractmethod
    def stat(self, path: str) -> Stat:
        """Size and modification time, links followed."""

    @abc.abstractmethod
    def readlink(self, path: str) -> str:
        """Where a symbolic link leads, as it is written. Raises :class:`CannotRead` for what is no link."""

    @abc.abstractmethod
    def run(self, argv: list[str], timeout: float = TIME_LIMIT) -> Output:
        """Run the program at the absolute path ``argv[0]``: no shell, C locale, clean environment, bounded."""

    @abc.abstractmethod
    def processes(self) -> Listing:
        """The running processes."""

    @abc.abstractmethod
    def sockets(self) -> Listing:
        """The listening sockets; ``complete`` speaks of the owners, the sockets themselves are always all there."""

    @abc.abstractmethod
    def registry_values(self, key: str) -> dict[str, RegistryValue]:
        r"""The values of a registry key, e.g. ``HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion``, by name.

        Always the 64-bit view; what 32-bit programs wrote stands under ``HKLM\SOFTWARE\WOW6432Node``.
        """

    @abc.abstractmethod
    def registry_keys(self, key: str) -> list[str]:
        """The sorted names of the keys under a registry key."""

    @abc.abstractmethod
    def api(self, function: str, *arguments: str) -> Answer:
        """What a function of the operating system answers, under its own name: ``NetUserModalsGet``.

        local/windows/api.py and local/darwin/api.py list what may be asked, and the shape of each answer.
        """

    # -- the same questions, answered in pieces. A machine that can answer piece by piece overrides them ------------

    def read_chunks(self, path: str, limit: int = STREAM_LIMIT) -> Iterator[bytes]:
        """The bytes of a regular file, piece by piece, for what is too large to hold in memory."""
        yield self.read(path, limit)

    def run_chunks(self, argv: list[str], timeout: float = TIME_LIMIT, limit: int = STREAM_LIMIT) -> Iterator[bytes]:
        """What a program prints, piece by piece. Unlike :meth:`run`, a status other than 0 raises: the pieces before
        it were already taken for the whole."""
        output = self.run(argv, timeout)
        if output.status != 0:
            raise program_failed(argv, output.status, output.stderr)
        yield output.stdout

    def unpacked_chunks(self, path: str, argv: list[str]) -> Iterator[bytes]:
        """What the packed file at ``path`` holds, piece by piece: what the program ``argv`` prints of it."""
        return self.run_chunks(argv)

    # -- what several collectors rest on -----------------------------------------------------------------------------

    def once(self, question: Callable[[Machine], T]) -> T:
        """What ``question`` makes of this machine, worked out the first time and remembered for the run: a package
        database is read once, whichever tables rest on it. A question that raises is asked again."""
        remembered: dict[Any, Any] = self.__dict__.setdefault("_remembered", {})
        if question not in remembered:
            remembered[question] = question(self)
        answer: T = remembered[question]
        return answer

    # -- shorthands over the questions above ------------------------------------------------------------------------

    def text(self, path: str, limit: int = FILE_LIMIT) -> str:
        """A file as text. Bytes that are not UTF-8 become U+FFFD: names in them are shown, not trusted."""
        return self.read(path, limit).decode("utf-8", "replace")

    def optional_text(self, path: str, limit: int = FILE_LIMIT) -> str:
        """A file as text, empty when there is none."""
        try:
            return self.text(path, limit)
        except NotFound:
            return ""

    def exists(self, path: str) -> bool:
        """Whether something is at ``path``. Raises :class:`Denied` when a folder above it may not be searched."""
        try:
            self.stat(path)
        except NotFound:
            return False
        return True

    def names(self, path: str) -> list[str]:
        """The names in a folder that need not exist."""
        try:
            return self.listdir(path)
        except NotFound:
            return []

    def registry_value(self, key: str, name: str) -> RegistryValue | None:
        """One value of a registry key; None when there is no such key or value. Names know no case."""
        try:
            values = self.registry_values(key)
        except NotFound:
            return None
        wanted = name.lower()
        return next((value for name, value in values.items() if name.lower() == wanted), None)

    def subkeys(self, key: str) -> list[str]:
        """The names of the keys under a registry key that need not exist."""
        try:
            return self.registry_keys(key)
        except NotFound:
            return []
