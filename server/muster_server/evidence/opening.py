"""The files of an export that somebody brought: a folder or an archive, of whatever content."""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from muster_server.evidence.export import CHAIN, README, RECORD, SCRIPT, SERVER

MOST_FILES = 5_000_000
MOST_BYTES = 8 * 1024 * 1024  # of a file of a report; a body is at most two megabytes
MOST_IN_ONE = 2 * 1024 * 1024 * 1024  # of chain.txt and record.json, which grow with the office

TOP = (README, SCRIPT, SERVER, CHAIN, RECORD)
_NAME = re.compile(
    r"(reports|conflicts)/[0-9]{8,18}\.(envelope|signature|body|receipt|receipt\.signature)"
    r"|keys/[0-9a-f]{16}\.(pem|signed|signature|former\.signature)"
)


class NotAnExport(ValueError):
    """It cannot be read as an export; the message says why."""


class Files(Protocol):
    """What is in it."""

    def names(self) -> set[str]:
        """Every file, by its name with / between the parts."""

    def read(self, name: str) -> bytes:
        """The bytes of one. Raises :class:`NotAnExport` when it is missing, damaged or too large."""


def expected(name: str) -> bool:
    """Whether an export has files of this name."""
    return name in TOP or _NAME.fullmatch(name) is not None


def limit_of(name: str) -> int:
    """How large a file of this name may be."""
    return MOST_IN_ONE if name in (CHAIN, RECORD) else MOST_BYTES


@contextmanager
def opened(path: Path) -> Iterator[Files]:
    """The export at ``path``. Raises :class:`NotAnExport`, or ``OSError``."""
    if path.is_dir():
        yield _Folder(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield _Archive(archive)
    except zipfile.BadZipFile as error:
        raise NotAnExport(str(error)) from None


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> set[str]:
        found = set()
        for path in self._path.rglob("*"):
            if not stat.S_ISDIR(path.lstat().st_mode):
                found.add(path.relative_to(self._path).as_posix())
                if len(found) > MOST_FILES:
                    raise NotAnExport(f"> {MOST_FILES}")
        return found

    def read(self, name: str) -> bytes:
        path = self._path / name
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > limit_of(name):
                raise NotAnExport(name)
            return path.read_bytes()
        except OSError as error:
            raise NotAnExport(f"{name}: {error.strerror}") from None


class _Archive:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            if member.filename in self._members or len(self._members) > MOST_FILES:
                raise NotAnExport(member.filename[:100])
            if not member.is_dir():
                self._members[member.filename] = member

    def names(self) -> set[str]:
        return set(self._members)

    def read(self, name: str) -> bytes:
        member = self._members.get(name)
        if member is None or member.file_size > limit_of(name):
            raise NotAnExport(name)
        try:
            with self._archive.open(member) as file:
                data = file.read(limit_of(name) + 1)  # what it says of its size binds it to nothing
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
            raise NotAnExport(f"{name}: {error}") from None
        except Exception as error:  # zlib, lzma and bz2 have errors of their own
            raise NotAnExport(f"{name}: {error!r}") from None
        if len(data) > limit_of(name):
            raise NotAnExport(name)
        return data
