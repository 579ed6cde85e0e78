"""tar.gz and zip of which equal contents are equal bytes."""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
import time
import zipfile
from collections.abc import Iterable

from muster_server.packaging.contents import Entry

FOLDER_MODE = 0o755
REGULAR, EXECUTABLE = 0o100000, 0o100


def folders(entries: Iterable[Entry]) -> list[str]:
    """Every folder that ``entries`` lie in, parents first."""
    found: set[str] = set()
    for entry in entries:
        parent = posixpath.dirname(entry.path)
        while parent:
            found.add(parent)
            parent = posixpath.dirname(parent)
    return sorted(found)


def tar_gz(entries: Iterable[Entry], epoch: int, prefix: str = "", modes: dict[str, int] | None = None) -> bytes:
    """A compressed tar, all owned by root. ``modes`` names folders that differ; folders are entries of their own."""
    entries = sorted(entries, key=lambda entry: entry.path)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for folder in sorted({*folders(entries), *(modes or {})}):
            info = _info(prefix + folder, (modes or {}).get(folder, FOLDER_MODE), epoch)
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
        for entry in entries:
            info = _info(prefix + entry.path, entry.mode, epoch)
            info.size = len(entry.data)
            archive.addfile(info, io.BytesIO(entry.data))
    return gz(buffer.getvalue())


def gz(data: bytes) -> bytes:
    """gzip without a name and a time of its own."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def zipped(entries: Iterable[Entry], epoch: int, first_line: bytes = b"") -> bytes:
    """A zip; with ``first_line`` one that a system can start as a program."""
    buffer = io.BytesIO()
    buffer.write(first_line)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in sorted(entries, key=lambda entry: entry.path):
            info = zipfile.ZipInfo(entry.path, time.gmtime(epoch)[:6])
            info.create_system = 3  # unix, wherever this runs: the modes below mean something
            info.external_attr = (REGULAR | entry.mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.data, compresslevel=9)
    return buffer.getvalue()


def _info(name: str, mode: int, epoch: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = mode, epoch
    info.uname = info.gname = "root"
    return info
