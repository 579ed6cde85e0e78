"""Makes a deployment out of a backup, or checks one without keeping anything of it.

Nothing gets its place before all of it was checked: a restore happens in a folder of its own beside the new one, which
is renamed at the end, and a PostgreSQL is filled in one transaction.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from muster_agent.sending.keys import SigningKey
from muster_server.backup.archive import DATABASE, BadBackup, Manifest, Reader
from muster_server.evidence import database as evidence
from muster_server.evidence.database import Verified
from muster_server.settings import FILE as SETTINGS
from muster_server.settings import load_settings
from muster_server.store import audit, copying, sqlite
from muster_server.store.database import Database
from muster_server.store.schema import HEAD
from muster_server.store.sqlite import LOCK
from muster_server.store.unusable import DatabaseError, NewerSchema

KEY = "server-key.pem"
ACT = "deployment.restore"

Progress = Callable[[int, int], None]


class Occupied(Exception):
    """There is something already where the deployment is to go; the message names it."""


@dataclass(frozen=True)
class Restored:
    """What was restored, or checked."""

    manifest: Manifest
    migrated: bool  # its schema was older and has been brought up to date
    verified: Verified | None  # None: the signatures were not asked for


def check(path: Path, progress: Progress) -> Restored:
    """Check a backup from its first byte to its last signature, and keep nothing. Raises as :func:`restore`."""
    where = path.parent if os.access(path.parent, os.W_OK) else None
    with _scratch(where) as folder:
        manifest = _unpack(path, folder)
        migrated = _prepare(folder, manifest)
        return Restored(manifest, migrated, _verify(folder, progress))


def restore(
    path: Path, to: Path, database: str | None, verify: Progress | None, operator: str, now: datetime
) -> Restored:
    """Make a deployment in the new folder ``to``, with its database in a file there, or in the PostgreSQL ``database``.

    ``verify`` is told how far the check of every signature is; None: they are not checked. Raises :class:`Occupied`,
    ``BadBackup``, ``DatabaseError``, ``PolicyError`` for settings that cannot be read, ``OSError``.
    """
    to = to.absolute()
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise Occupied(str(to))
    to.parent.mkdir(parents=True, exist_ok=True)
    with _scratch(to.parent) as folder:
        manifest = _unpack(path, folder)
        migrated = _prepare(folder, manifest)
        verified = None if verify is None else _verify(folder, verify)
        if verified is not None and not verified.findings.sound:
            return Restored(manifest, migrated, verified)
        _point(folder / SETTINGS, database)
        said = manifest.said
        detail = {name: said[name] for name in ("made_by", "head", "schema")}

        def log(connection: Connection) -> None:
            audit.append(connection, now, operator, ACT, str(said["made_at"]), detail)

        if database is None:
            own = Database.open(folder / DATABASE)
            with own.write() as connection:
                log(connection)
            own.close()
            copying.settle(folder / DATABASE)
        else:
            _into_server(folder / DATABASE, database, log)
            (folder / DATABASE).unlink()
        (folder / LOCK).unlink(missing_ok=True)
        for each in folder.rglob("*"):
            if each.is_file():
                copying.synchronise(each)
        (folder / "policies").mkdir(mode=0o700, exist_ok=True)
        folder.rename(to)
        copying.synchronise(to)
    return Restored(manifest, migrated, verified)


@contextmanager
def _scratch(where: Path | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=".muster-restore-", dir=where))  # 0700
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # nothing is left where it was renamed


def _unpack(path: Path, folder: Path) -> Manifest:
    """Every member into ``folder``. Raises ``BadBackup``."""
    with path.open("rb") as file:
        reader = Reader(file)
        if reader.manifest.said["schema"] > HEAD:
            raise NewerSchema(f"{path}: {reader.manifest.said['schema']} <> {HEAD}")
        room = shutil.disk_usage(folder).free
        needed = sum(member.size for member in reader.manifest.members.values())
        if needed > room:
            raise OSError(28, os.strerror(28), str(folder))
        for member, data in reader.members():
            target = folder / member.name
            for above in reversed(Path(member.name).parents):
                (folder / above).mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                shutil.copyfileobj(data, out)
    return reader.manifest


def _prepare(folder: Path, manifest: Manifest) -> bool:
    """Check that the parts can be used, and bring the database up to date. Returns whether it was older."""
    load_settings(folder / SETTINGS)
    try:
        SigningKey.load(str(folder / KEY))
    except ValueError:
        raise BadBackup("key") from None
    path = folder / DATABASE
    found = copying.problems(path)
    if found:
        raise DatabaseError(f"{DATABASE}: {found[0]}")
    database = Database.at(path)
    try:
        version = database.version()
        if copying.structure(path) != _structure_of(version, folder):
            raise BadBackup("structure")  # a trigger that acts with what is written later, a view in a table's place
        with database.read() as connection:
            head, _ = copying.heads(connection)
            agrees = vars(head) == manifest.said["head"] and copying.counts(connection) == manifest.said["counts"]
        if version != manifest.said["schema"] or not agrees:
            raise BadBackup("content")
        if version > HEAD:
            raise NewerSchema(f"{DATABASE}: {version} <> {HEAD}")
        if version != HEAD:
            database.migrate()
        return version != HEAD
    finally:
        database.close()


def _structure_of(version: str, folder: Path) -> set[tuple[str, ...]]:
    """What a database of that version is made of. Raises ``BadBackup`` for a version there never was."""
    from alembic.util import CommandError

    reference = folder / "reference.db"
    try:
        sqlite.create(reference, lambda unfinished: _migrated(unfinished, version))
        return copying.structure(reference)
    except CommandError:
        raise BadBackup("content") from None
    finally:
        for path in (reference, reference.with_name(reference.name + ".new")):
            path.unlink(missing_ok=True)


def _migrated(path: Path, version: str) -> None:
    database = Database.at(path)
    try:
        database.migrate(version)
    finally:
        database.close()


def _verify(folder: Path, progress: Progress) -> Verified:
    database = Database.open(folder / DATABASE)
    try:
        with database.read() as connection:
            return evidence.verify(connection, progress)
    finally:
        database.close()


def _into_server(path: Path, address: str, then: Callable[[Connection], None]) -> None:
    """Fill an empty PostgreSQL from the file, all or nothing. Raises :class:`Occupied`."""
    target = Database.at(address)
    source = Database.open(path)
    try:
        if not copying.has_tables(target):
            target.migrate()
        elif target.version() != HEAD or not copying.is_empty(target):
            raise Occupied(target.where)
        with source.read() as reading, target.write() as writing:
            copying.transfer(reading, writing)
            then(writing)
    finally:
        source.close()
        target.close()


def _point(settings: Path, database: str | None) -> None:
    """Let muster.yaml name the database of the restored deployment; the rest of the file stays as it was."""
    lines = [line for line in settings.read_text("utf-8").splitlines() if not re.match(r"database\s*:", line)]
    if database is not None:
        quoted = database.replace("\\", "\\\\").replace('"', '\\"')
        lines.insert(0, f'database: "{quoted}"')
    settings.write_text("\n".join(lines) + "\n", "utf-8")
    if load_settings(settings).database != database:
        raise BadBackup("settings")
