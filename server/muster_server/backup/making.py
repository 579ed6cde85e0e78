"""Makes a backup: one consistent moment of the database, and every file of the deployment beside it."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from muster_agent import __version__
from muster_server.backup import archive, stamp
from muster_server.backup.archive import DATABASE, FOLDERS, FORMAT, MANIFEST, TOP, BadBackup
from muster_server.store import copying
from muster_server.store.database import Database
from muster_server.store.evidence import Head
from muster_server.store.schema import moment_text
from muster_server.store.unusable import DatabaseError


@dataclass(frozen=True)
class Made:
    """What is in a backup."""

    path: Path
    size: int  # bytes
    schema: str
    counts: dict[str, int]  # rows, by table
    head: Head  # of the chain of reports
    audit: Head | None
    files: int


def make(data: Path, address: Path | str, path: Path, now: datetime) -> Made:
    """Back up the deployment in ``data``, whose database is at ``address``, to the new file ``path``.

    The database may be of any version that has a migration, and others may write to it meanwhile. Raises
    ``FileExistsError``, ``OSError``, ``DatabaseError``, and :class:`BadBackup` for a file that cannot be kept.
    """
    scratch = Path(tempfile.mkdtemp(prefix=".muster-backup-", dir=path.parent))  # 0700, on the disk the backup goes to
    try:
        with archive.writing(path) as out:
            copy = scratch / DATABASE
            _copy(address, copy)
            files = {DATABASE: copy, **_files(data)}
            described = _described(copy)
            members = []
            for name, source in files.items():
                with source.open("rb") as file:
                    sha256, size = archive.sha256_of(file)
                members.append({"name": name, "size": size, "sha256": sha256})
            said = {
                "format": FORMAT,
                "made_at": moment_text(now),
                "made_by": __version__,
                **described,
                "members": members,
            }
            _write(out, said, files, int(now.timestamp()))
            size = out.tell()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    made = Made(
        path=path,
        size=size,
        schema=described["schema"],
        counts=described["counts"],
        head=Head(**described["head"]),
        audit=None if described["audit"] is None else Head(**described["audit"]),
        files=len(members) - 1,
    )
    stamp.leave(data, now, path, made.head)
    return made


def _copy(address: Path | str, copy: Path) -> None:
    if isinstance(address, Path):
        copying.copy_of_file(address, copy)
    else:
        database = Database.at(address)
        try:
            copying.copy_of_server(database, copy)
        finally:
            database.close()
    found = copying.problems(copy)
    if found:
        raise DatabaseError(f"{address}: {found[0]}")


def _described(copy: Path) -> dict[str, Any]:
    database = Database.at(copy)
    try:
        with database.read() as connection:
            head, log = copying.heads(connection)
            return {
                "schema": copying.version_of(connection),
                "counts": copying.counts(connection),
                "head": vars(head),
                "audit": None if log is None else vars(log),
            }
    finally:
        database.close()


def _files(data: Path) -> dict[str, Path]:
    """Every file of the deployment but its database. A link is kept as what it leads to."""
    found = {name: data / name for name in TOP if name != DATABASE}
    for folder in FOLDERS:
        for source in sorted((data / folder).rglob("*")):
            if source.is_dir():
                continue
            name = source.relative_to(data).as_posix()
            if not archive.safe(name) or not source.is_file():
                raise BadBackup("cannot_keep", name)
            if source.stat().st_size > archive.MOST_SMALL:
                raise BadBackup("size", name)
            found[name] = source
    return found


def _write(out: Any, said: dict[str, Any], files: dict[str, Path], at: int) -> None:
    data = json.dumps(said, ensure_ascii=False, indent=1).encode("utf-8")
    archive.put(out, MANIFEST, io.BytesIO(data), len(data), at)
    for member in said["members"]:
        with files[member["name"]].open("rb") as file:
            archive.put(out, member["name"], file, member["size"], at)
    archive.finish(out)
