"""Files that carry reports and receipts where there is no network: plain text, a line a report.

MUSTER-BUNDLE/1 AGENT COUNT        signed reports, as in the spool: the PC signed them, not this file
MUSTER-RECEIPTS/1 AGENT COUNT      the server's signed receipts for them
MUSTER-ENROL-FILE/1                one line: the signed request to enrol, and the token
MUSTER-ENROLLED/1                  one line: the server's signed answer to it

Who carries a stick can lose it or keep it from arriving, and can change nothing on it unnoticed. A stick is as hostile
as a network: only regular files are read, line by line, each up to a limit.
"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from pathlib import Path
from typing import Any, Iterator

from muster_agent.canonical import canonical
from muster_agent.dataclass import dataclass
from muster_agent.sending.home import sync_folder
from muster_agent.sending.report import SignedReport

BUNDLE, RECEIPTS, ENROL_FILE, ENROLLED = (
    "MUSTER-BUNDLE/1",
    "MUSTER-RECEIPTS/1",
    "MUSTER-ENROL-FILE/1",
    "MUSTER-ENROLLED/1",
)
KINDS = (BUNDLE, RECEIPTS, ENROL_FILE, ENROLLED)
COUNTED = (BUNDLE, RECEIPTS)
FILE_LIMIT = 256 * 1024 * 1024  # bytes; a spool holds at most 50 MB, a third more in base64
LINE_LIMIT = 3 * 1024 * 1024  # bytes: a body of 2 MiB in base64, its envelope and signature
COUNT_LIMIT = 100_000
_HEAD = re.compile(r"(MUSTER-[A-Z-]+/[0-9]+)(?: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) ([0-9]{1,6}))?\n")


class BadFile(Exception):
    """The file cannot be read, or is none of these. ``code`` is a key under ``stick.`` of the words."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Signed:
    """Bytes with the signature of whoever said them."""

    data: bytes
    signature: bytes

    def to_json(self) -> bytes:
        """One line."""
        return canonical({"data": _text(self.data), "signature": _text(self.signature)})

    @classmethod
    def from_json(cls, line: bytes) -> Signed:
        """Read such a line. Raises ``ValueError``."""
        found = _object(line, ("data", "signature"))
        return cls(base64.b64decode(found["data"], validate=True), base64.b64decode(found["signature"], validate=True))


@dataclass(frozen=True)
class Request:
    """A request to enrol."""

    signed: Signed
    token: str

    def to_json(self) -> bytes:
        """One line."""
        return canonical({**json.loads(self.signed.to_json().decode("ascii")), "token": self.token})

    @classmethod
    def from_json(cls, line: bytes) -> Request:
        """Read such a line. Raises ``ValueError``."""
        found = _object(line, ("data", "signature", "token"))
        token = found.pop("token")
        if not token.isascii() or len(token) > 200:
            raise ValueError("token")
        return cls(Signed.from_json(canonical(found)), token)


class Opened:
    """A file of one of the kinds: its first line understood, the rest still to be read. Raises :class:`BadFile`.

    Use it as a context manager.
    """

    def __init__(self, path: Path | str) -> None:
        # Looked at before it is opened (opening a device can do something), and again once it is: it may have changed.
        try:
            if not stat.S_ISREG(os.lstat(str(path)).st_mode):
                raise BadFile("not_regular")
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            descriptor = os.open(str(path), flags | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise BadFile("unreadable", error.strerror or str(error)) from None
        self._file = os.fdopen(descriptor, "rb")
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise BadFile("not_regular")
            if status.st_size > FILE_LIMIT:
                raise BadFile("too_large", str(FILE_LIMIT))
            found = _HEAD.fullmatch(self._line(200).decode("ascii", "replace"))
            if found is None or found[1].partition("/")[0] not in {kind.partition("/")[0] for kind in KINDS}:
                raise BadFile("not_ours")
            if found[1] not in KINDS:
                raise BadFile("newer", found[1])
            if (found[1] in COUNTED) is not (found[2] is not None):
                raise BadFile("not_ours")
        except BaseException:
            self._file.close()
            raise
        self.kind: str = found[1]
        self.agent: str = found[2] or ""
        self.count = int(found[3] or 1)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def lines(self) -> Iterator[bytes]:
        """The lines after the first. Raises :class:`BadFile` when the file ends too early or goes on too long: the
        lines until there are good all the same."""
        for _ in range(min(self.count, COUNT_LIMIT)):
            line = self._line(LINE_LIMIT)
            if not line.endswith(b"\n"):
                raise BadFile("cut_off" if len(line) < LINE_LIMIT else "line_too_long")
            yield line
        if self._line(1):
            raise BadFile("more_than_said")

    def _line(self, limit: int) -> bytes:
        try:
            return self._file.readline(limit)
        except OSError as error:
            raise BadFile("unreadable", error.strerror or str(error)) from None


def bundle(agent: str, reports: list[SignedReport]) -> bytes:
    """The bytes of a file of reports."""
    lines = [report.to_json() for report in reports]
    return b"".join(line + b"\n" for line in [f"{BUNDLE} {agent} {len(lines)}".encode("ascii"), *lines])


def receipts(agent: str, signed: list[Signed]) -> bytes:
    """The bytes of a file of receipts."""
    lines = [one.to_json() for one in signed]
    return b"".join(line + b"\n" for line in [f"{RECEIPTS} {agent} {len(lines)}".encode("ascii"), *lines])


def single(kind: str, line: bytes) -> bytes:
    """The bytes of a file that holds one line."""
    return kind.encode("ascii") + b"\n" + line + b"\n"


def write_new(path: Path, data: bytes, replace: bool = False) -> None:
    """Write a file, readable by its owner alone where the disk knows owners; whole, or not at all.

    Raises ``FileExistsError`` for one that is there, unless it may be replaced, and ``OSError``. A link that lies there
    is replaced and not followed.
    """
    if not replace and os.path.lexists(str(path)):
        raise FileExistsError(17, "", str(path))
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(str(unfinished), flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(str(unfinished), str(path))
    except BaseException:
        if os.path.lexists(str(unfinished)):
            os.unlink(str(unfinished))
        raise
    sync_folder(path.parent)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _object(line: bytes, names: tuple[str, ...]) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("ascii"))
    except RecursionError:
        raise ValueError("not such a line") from None
    if not isinstance(found, dict) or set(found) != set(names) or not all(isinstance(found[n], str) for n in names):
        raise ValueError("not such a line")
    return found
