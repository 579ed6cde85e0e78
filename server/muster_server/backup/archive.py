"""The file of a backup: a plain tar archive, written durably, and read as one that a stranger may have made.

The reader knows regular files and nothing else: it goes over the headers itself, so that no link, device or extension
is ever interpreted. The first member is the manifest, which names every other one with its size and SHA-256; what it
does not name, or names otherwise, is refused, and so is every name that leads anywhere but into the deployment.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

BLOCK = 512
CHUNK = 1024 * 1024
MANIFEST = "manifest.json"
FORMAT = "MUSTER-BACKUP/1"
MOST_MEMBERS = 10_000
MOST_MANIFEST = 16 * 1024 * 1024  # bytes
MOST_SMALL = 64 * 1024 * 1024  # bytes of a file that is no database: settings, keys, policies
LONG_NAME = b"L"  # the kind of header that carries a name too long for its own field
DATABASE = "muster.db"
TOP = (DATABASE, "muster.yaml", "server-key.pem")
FOLDERS = ("tls", "policies")
_PART = re.compile(r"[^/\\:\x00-\x1f\x7f\ud800-\udfff]{1,255}")


class BadBackup(ValueError):
    """It is not a whole backup. ``code`` is a key under ``backup.bad.`` of reports/wording/backup.yaml."""

    def __init__(self, code: str, what: str = "") -> None:
        super().__init__(f"{code}: {what}")
        self.code = code
        self.what = what


@dataclass(frozen=True)
class Member:
    """A file of the deployment, as the manifest names it."""

    name: str
    size: int
    sha256: str


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that only its owner can read; it gets its name once it is whole and on the disk.

    Raises ``FileExistsError``: no backup is ever overwritten.
    """
    if os.path.lexists(path):
        raise FileExistsError(17, os.strerror(17), str(path))
    descriptor, name = tempfile.mkstemp(prefix=".muster-backup-", dir=path.parent)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)  # unlike a rename, it refuses to replace
    finally:
        Path(name).unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sha256_of(file: IO[bytes]) -> tuple[str, int]:
    """Digest and length of what is left of a file."""
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def put(archive: IO[bytes], name: str, source: IO[bytes], size: int, at: int) -> None:
    """Add a member of exactly ``size`` bytes. Raises ``OSError`` when the source turns out shorter."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, at
    archive.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8"))
    left = size
    while left:
        chunk = source.read(min(CHUNK, left))
        if not chunk:
            raise OSError(5, "it has become shorter while it was read", name)
        archive.write(chunk)
        left -= len(chunk)
    archive.write(bytes(-size % BLOCK))


def finish(archive: IO[bytes]) -> None:
    """The end of the archive, as every tar expects it."""
    archive.write(bytes(2 * BLOCK))


def safe(name: str) -> bool:
    """Whether a member of this name belongs to a deployment, and nowhere else."""
    parts = name.split("/")
    if name in TOP:
        return True
    if parts[0] not in FOLDERS or len(parts) < 2 or len(parts) > 8:
        return False
    return all(_PART.fullmatch(part) and part not in (".", "..") for part in parts)


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    said: dict[str, Any]
    members: dict[str, Member]

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Read it. Raises :class:`BadBackup`."""
        try:
            said = json.loads(data)
            members = [Member(one["name"], one["size"], one["sha256"]) for one in said["members"]]
            sound = said["format"] == FORMAT and all(isinstance(said[n], str) for n in ("schema", "made_by", "made_at"))
            sound = sound and isinstance(said["head"], dict) and isinstance(said["counts"], dict)
            for one in members:
                sound = sound and isinstance(one.name, str) and type(one.size) is int and one.size >= 0
                sound = sound and isinstance(one.sha256, str) and re.fullmatch("[0-9a-f]{64}", one.sha256) is not None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadBackup("manifest") from None
        if not sound:
            raise BadBackup("manifest")
        for one in members:
            if not safe(one.name):
                raise BadBackup("name", one.name)
            if one.name != DATABASE and one.size > MOST_SMALL:
                raise BadBackup("size", one.name)
        by_name = {one.name: one for one in members}
        if len(by_name) != len(members):
            raise BadBackup("twice")
        for needed in TOP:
            if needed not in by_name:
                raise BadBackup("missing", needed)
        return cls(said, by_name)


class Reader:
    """A backup that is open. Take :meth:`members` once, in their order."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        header = self._header()
        if header is None or header.name != MANIFEST or header.size > MOST_MANIFEST:
            raise BadBackup("manifest")
        self.manifest = Manifest.parse(self._whole(header.size))

    def members(self) -> Iterator[tuple[Member, IO[bytes]]]:
        """Each member and its bytes, which must be read to the end. Raises :class:`BadBackup`."""
        left = dict(self.manifest.members)
        while (header := self._header()) is not None:
            member = left.pop(header.name, None)
            if member is None:
                raise BadBackup("twice" if header.name in self.manifest.members else "not_listed", header.name)
            if header.size != member.size:
                raise BadBackup("size", member.name)
            bounded = _Bounded(self._file, member)
            yield member, bounded  # type: ignore[misc]  # read() is all that is asked of it
            bounded.check()
            self._skip(-member.size % BLOCK)
        for name in left:
            raise BadBackup("missing", name)

    def _header(self, name: str | None = None) -> tarfile.TarInfo | None:
        block = self._file.read(BLOCK)
        if len(block) != BLOCK:
            raise BadBackup("cut")
        if name is None and not any(block):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, UnicodeError, ValueError, OverflowError):
            raise BadBackup("header") from None
        if info.size < 0:
            raise BadBackup("header")
        if name is None and info.type == LONG_NAME:
            if info.size > 4 * BLOCK:
                raise BadBackup("name", "?")
            try:
                long_name = self._whole(info.size).rstrip(b"\0").decode("utf-8")
            except UnicodeError:
                raise BadBackup("name", "?") from None
            return self._header(long_name)
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise BadBackup("kind", info.name)
        info.name = info.name if name is None else name
        if info.name != MANIFEST and not safe(info.name):
            raise BadBackup("name", info.name)
        return info

    def _whole(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise BadBackup("cut")
        self._skip(-size % BLOCK)
        return data

    def _skip(self, count: int) -> None:
        if len(self._file.read(count)) != count:
            raise BadBackup("cut")


class _Bounded:
    """The bytes of one member, digested as they are read."""

    def __init__(self, file: IO[bytes], member: Member) -> None:
        self._file = file
        self._member = member
        self._left = member.size
        self._digest = hashlib.sha256()

    def read(self, count: int = CHUNK) -> bytes:
        """The next bytes, none at the end."""
        data = self._file.read(min(count, self._left))
        if not data and self._left:
            raise BadBackup("cut", self._member.name)
        self._left -= len(data)
        self._digest.update(data)
        return data

    def check(self) -> None:
        """All of it came, and it is what the manifest says."""
        if self._left:
            raise BadBackup("cut", self._member.name)
        if self._digest.hexdigest() != self._member.sha256:
            raise BadBackup("digest", self._member.name)
