"""The machine: Python, SQLite, limits, the clock, the disk."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from muster_server.doctor import Found, fail, ok, warn
from muster_server.settings import Settings
from muster_server.store.space import MEGABYTE, Space
from muster_server.store.sqlite import wal_reset_safe

PYTHON = (3, 11)
FILES = 1100  # descriptors: a thousand connections and the server's own files
MEANWHILE = timedelta(minutes=1)  # reports come in while this looks
BUILT = 2026  # a clock that shows an earlier year was never set


def python() -> Iterator[Found]:
    """The interpreter."""
    made = fail if sys.version_info < PYTHON else ok
    yield made("python", version=platform.python_version(), least=".".join(map(str, PYTHON)))


def sqlite() -> Iterator[Found]:
    """The engine, and how it is kept clear of the WAL-reset fault."""
    version = sqlite3.sqlite_version
    if wal_reset_safe(sqlite3.sqlite_version_info):
        yield ok("sqlite_fixed", version=version)
    else:
        yield ok("sqlite_held_off", version=version)


def files() -> Iterator[Found]:
    """Open files: each connection takes one. `muster serve` raises its own limit as far as the system lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = hard != resource.RLIM_INFINITY and hard < FILES
    yield (warn if few else ok)("files", hard="-" if hard == resource.RLIM_INFINITY else hard, least=FILES)


def clock(now: datetime, last_report: datetime | None) -> Iterator[Found]:
    """Whether the clock can be right: freshness counts by it."""
    shown = now.isoformat(timespec="seconds")
    if now.year < BUILT:
        yield fail("clock_unset", now=shown)
    elif last_report is not None and last_report > now + MEANWHILE:
        yield fail("clock_behind", now=shown, last=last_report.isoformat(timespec="seconds"))
    else:
        yield ok("clock", now=shown)


def disk(data: Path, settings: Settings) -> Iterator[Found]:
    """Room on the disk of the data folder, and the ballast."""
    least = None if settings.keep_free is None else settings.keep_free * MEGABYTE
    room = Space(data, least).look()
    values = {"free": room.free // MEGABYTE, "least": room.least // MEGABYTE, "ballast": room.ballast // MEGABYTE}
    if room.since is not None:
        yield fail("disk_full", since=room.since.isoformat(timespec="seconds"), **values)
    elif room.free < room.least:
        yield fail("disk_filling", **values)
    elif room.free < 2 * room.least:
        yield warn("disk_soon", **values)
    else:
        yield ok("disk", **values)


def owners(data: Path) -> Iterator[Found]:
    """Who may read and write what."""
    found = list(_exposed(data))
    owner = data.stat().st_uid
    for path in (data, *sorted(data.iterdir())):
        status = path.lstat()
        if status.st_uid != owner:
            found.append(fail("owner", path=path, owner=status.st_uid, expected=owner))
    if os.geteuid() not in (0, owner):
        found.append(fail("not_owner", path=data, owner=owner))
    yield from found or [ok("owners", path=data)]


def _exposed(data: Path) -> Iterator[Found]:
    if data.stat().st_mode & 0o077:
        yield fail("folder_open", path=data, mode=f"{data.stat().st_mode & 0o777:04o}")
    for name in ("server-key.pem", "muster.db", "muster.db-wal"):
        path = data / name
        if path.exists() and path.stat().st_mode & 0o077:
            yield fail("file_open", path=path, mode=f"{path.stat().st_mode & 0o777:04o}")
    settings = data / "muster.yaml"
    if settings.exists() and settings.stat().st_mode & 0o022:
        yield fail("file_open", path=settings, mode=f"{settings.stat().st_mode & 0o777:04o}")
