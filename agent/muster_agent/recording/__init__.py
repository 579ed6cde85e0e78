"""A PC as a recording: what it answered to every question the collectors asked, failures included.

:class:`Recorder` makes one on a real PC, :class:`RecordedMachine` answers from one, in a test or in a demonstration.
That is how a wrong result on a PC we do not own becomes a test (``muster-agent record``).
"""

from __future__ import annotations

import posixpath
from dataclasses import field
from typing import Any, Callable, Iterable, Iterator, TypeVar

from muster_agent.dataclass import dataclass
from muster_agent.machine import (
    FILE_LIMIT,
    STREAM_LIMIT,
    TIME_LIMIT,
    Answer,
    CannotRead,
    Listing,
    Machine,
    NotFound,
    Output,
    Process,
    RegistryValue,
    Socket,
    Stat,
    Uname,
    program_failed,
)

T = TypeVar("T")
MISSING: Any = object()  # no answer; null is one that a function of the system may give


class NotRecorded(Exception):
    """A question that was not asked when the recording was made. Not an answer of the PC: the test must notice."""


@dataclass
class Recording:
    """The answers, by question. Each is what the PC said, or the :class:`CannotRead` it raised."""

    platform: str
    uname: Uname
    privileged: bool
    files: dict[str, bytes | CannotRead] = field(default_factory=dict)
    starts: dict[str, bytes | CannotRead] = field(default_factory=dict)  # of files read in part
    folders: dict[str, tuple[str, ...] | CannotRead] = field(default_factory=dict)
    stats: dict[str, Stat | CannotRead] = field(default_factory=dict)
    links: dict[str, str | CannotRead] = field(default_factory=dict)  # where each symbolic link leads
    programs: dict[tuple[str, ...], Output | CannotRead] = field(default_factory=dict)
    values: dict[str, dict[str, RegistryValue] | CannotRead] = field(default_factory=dict)  # of a registry key
    keys: dict[str, tuple[str, ...] | CannotRead] = field(default_factory=dict)  # under a registry key
    apis: dict[tuple[str, ...], Answer | CannotRead] = field(default_factory=dict)  # function and arguments
    processes: Listing | CannotRead | None = None
    sockets: Listing | CannotRead | None = None

    def questions(self) -> set[tuple[str, Any]]:
        """Everything that has an answer here."""
        named = ("files", "starts", "folders", "stats", "links", "programs", "values", "keys", "apis")
        asked: set[tuple[str, Any]] = {(name, key) for name in named for key in getattr(self, name)}
        return asked | {(name, "") for name in ("processes", "sockets") if getattr(self, name) is not None}


def of_files(uname: Uname, files: dict[str, bytes], mtime: int, **more: Any) -> Recording:
    """The recording of a Linux PC that has exactly these files: its folders and their ages follow from them."""
    folders: dict[str, set[str]] = {}
    for path in files:
        while path != "/":
            parent, name = posixpath.split(path)
            folders.setdefault(parent, set()).add(name)
            path = parent
    stats = {path: Stat(len(data), mtime) for path, data in files.items()}
    stats.update({path: Stat(4096, mtime) for path in folders})
    listed = {path: tuple(sorted(names)) for path, names in folders.items()}
    return Recording("linux", uname, True, files=dict(files), folders=dict(listed), stats=dict(stats), **more)


class RecordedMachine(Machine):
    """A PC that answers from a recording. What nobody recorded raises :class:`NotRecorded`; with ``whole``, when the
    recording is all there is on the PC, it is not there (:class:`NotFound`); with ``forgiving``, for a person who looks
    at a recording made by another version, it could not be read."""

    def __init__(self, recording: Recording, whole: bool = False, forgiving: bool = False) -> None:
        self.platform = recording.platform
        self._recording = recording
        self._whole = whole
        self._forgiving = forgiving
        self.asked: set[tuple[str, Any]] = set()
        self.missing: set[tuple[str, Any]] = set()  # asked and not recorded: a collector may take that for a failure

    def _answer(self, question: str, key: Any) -> Any:
        self.asked.add((question, key))
        answers = getattr(self._recording, question)
        answer = answers.get(key, MISSING) if isinstance(answers, dict) else answers
        if isinstance(answer, CannotRead):
            raise answer.with_traceback(None)  # raised a thousand times, it would keep a thousand frames alive
        if answer is MISSING or (answer is None and not isinstance(answers, dict)):
            if self._whole:
                raise NotFound(key[0] if isinstance(key, tuple) else key)
            self.missing.add((question, key))
            if self._forgiving:
                raise CannotRead("not_recorded", " ".join(key) if isinstance(key, tuple) else key, "unsupported")
            raise NotRecorded(f"{question}: {key}")
        return answer

    def unasked(self) -> set[tuple[str, Any]]:
        """Answers that nobody asked for: the recording holds more than the collectors read."""
        return self._recording.questions() - self.asked

    def uname(self) -> Uname:
        """What the system called itself."""
        return self._recording.uname

    def privileged(self) -> bool:
        """Whether the recording was made as root."""
        return self._recording.privileged

    def read(self, path: str, limit: int = FILE_LIMIT) -> bytes:
        """The bytes of a file."""
        data: bytes = self._answer("files", path)
        if len(data) > limit:
            raise CannotRead("too_large", path)
        return data

    def read_start(self, path: str, count: int) -> bytes:
        """The first bytes of a file, which may have been recorded as a whole."""
        data: bytes = self._answer("starts" if path in self._recording.starts else "files", path)
        return data[:count]

    def listdir(self, path: str) -> list[str]:
        """The names in a folder."""
        return list(self._answer("folders", path))

    def stat(self, path: str) -> Stat:
        """Size and modification time."""
        found: Stat = self._answer("stats", path)
        return found

    def readlink(self, path: str) -> str:
        """Where a symbolic link led."""
        if self._whole and path not in self._recording.links and path in self._recording.stats:
            raise CannotRead("not_a_link", path)
        return str(self._answer("links", path))

    def run(self, argv: list[str], timeout: float = TIME_LIMIT) -> Output:
        """What a program printed."""
        output: Output = self._answer("programs", tuple(argv))
        return output

    def registry_values(self, key: str) -> dict[str, RegistryValue]:
        """The values of a registry key."""
        return dict(self._answer("values", key))

    def registry_keys(self, key: str) -> list[str]:
        """The names of the keys under a registry key."""
        return list(self._answer("keys", key))

    def api(self, function: str, *arguments: str) -> Answer:
        """What a function of the system answered."""
        answer: Answer = self._answer("apis", (function, *arguments))
        return answer

    def processes(self) -> Listing:
        """The processes that ran."""
        listing: Listing = self._answer("processes", "")
        return listing

    def sockets(self) -> Listing:
        """The sockets that listened."""
        listing: Listing = self._answer("sockets", "")
        return listing


class SimulatedMachine(RecordedMachine):
    """A Linux PC made of Python values: what is not given is not there. For demonstrations and tests."""

    def __init__(
        self,
        uname: Uname,
        files: dict[str, bytes],
        processes: Iterable[Process] = (),
        sockets: Iterable[Socket] = (),
        mtime: int = 0,
        programs: dict[tuple[str, ...], bytes] | None = None,
    ) -> None:
        printed = {argv: Output(0, text, b"") for argv, text in (programs or {}).items()}
        seen = {"processes": Listing(tuple(processes), True), "sockets": Listing(tuple(sockets), True)}
        super().__init__(of_files(uname, files, mtime, programs=printed, **seen), whole=True)


class Recorder(Machine):
    """Asks another machine and writes down question and answer."""

    def __init__(self, machine: Machine) -> None:
        self.platform = machine.platform
        self._machine = machine
        self.recording = Recording(machine.platform, machine.uname(), machine.privileged())

    def _asked(self, answers: dict[Any, Any], key: Any, ask: Callable[[], T]) -> T:
        try:
            answers[key] = ask()
        except CannotRead as error:
            answers[key] = error
            raise
        answer: T = answers[key]
        return answer

    def uname(self) -> Uname:
        """Asked when the recording was begun."""
        return self.recording.uname

    def privileged(self) -> bool:
        """Asked when the recording was begun."""
        return self.recording.privileged

    def read(self, path: str, limit: int = FILE_LIMIT) -> bytes:
        """Ask and write down."""
        return self._asked(self.recording.files, path, lambda: self._machine.read(path, limit))

    def read_start(self, path: str, count: int) -> bytes:
        """Ask and write down."""
        return self._asked(self.recording.starts, path, lambda: self._machine.read_start(path, count))

    def listdir(self, path: str) -> list[str]:
        """Ask and write down."""
        return list(self._asked(self.recording.folders, path, lambda: tuple(self._machine.listdir(path))))

    def stat(self, path: str) -> Stat:
        """Ask and write down."""
        return self._asked(self.recording.stats, path, lambda: self._machine.stat(path))

    def readlink(self, path: str) -> str:
        """Ask and write down."""
        return str(self._asked(self.recording.links, path, lambda: self._machine.readlink(path)))

    def run(self, argv: list[str], timeout: float = TIME_LIMIT) -> Output:
        """Ask and write down."""
        return self._asked(self.recording.programs, tuple(argv), lambda: self._machine.run(argv, timeout))

    def read_chunks(self, path: str, limit: int = STREAM_LIMIT) -> Iterator[bytes]:
        """Ask for the whole: a recording is made once, and memory is no concern then."""

        def whole() -> bytes:
            return b"".join(self._machine.read_chunks(path, limit))

        yield self._asked(self.recording.files, path, whole)

    def run_chunks(self, argv: list[str], timeout: float = TIME_LIMIT, limit: int = STREAM_LIMIT) -> Iterator[bytes]:
        """Ask for the whole."""

        def whole() -> Output:
            return Output(0, b"".join(self._machine.run_chunks(argv, timeout, limit)), b"")

        output = self._asked(self.recording.programs, tuple(argv), whole)
        if output.status != 0:
            raise program_failed(argv, output.status, output.stderr)
        yield output.stdout

    def registry_values(self, key: str) -> dict[str, RegistryValue]:
        """Ask and write down."""
        return dict(self._asked(self.recording.values, key, lambda: self._machine.registry_values(key)))

    def registry_keys(self, key: str) -> list[str]:
        """Ask and write down."""
        return list(self._asked(self.recording.keys, key, lambda: tuple(self._machine.registry_keys(key))))

    def api(self, function: str, *arguments: str) -> Answer:
        """Ask and write down."""
        key = (function, *arguments)
        return self._asked(self.recording.apis, key, lambda: self._machine.api(function, *arguments))

    def processes(self) -> Listing:
        """Ask and write down."""
        answers = vars(self.recording)
        return self._asked(answers, "processes", self._machine.processes)

    def sockets(self) -> Listing:
        """Ask and write down."""
        answers = vars(self.recording)
        return self._asked(answers, "sockets", self._machine.sockets)
