"""The database: that it can be used, and that what it holds continues."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select

from muster_agent.sending.envelope import chain_head
from muster_server.backup import stamp
from muster_server.doctor import Found, fail, ok, unknown, warn
from muster_server.doctor.system import MEANWHILE
from muster_server.store import audit, copying, evidence, history, readers
from muster_server.store.database import Database
from muster_server.store.schema import HEAD, agents, reports

LAST = 200  # places of the chain that are looked at
BACKUP_AGE = timedelta(days=8)
EXPIRING = timedelta(days=30)
LARGE = 2_000_000_000  # bytes of a database whose pages take too long to go through in passing


def server_of(connection: Connection) -> Iterator[Found]:
    """A PostgreSQL: version, primary, encoding, and whether a commit there is on its disk."""
    names = ("server_version", "server_encoding", "fsync", "synchronous_commit", "full_page_writes")
    said = {name: str(connection.scalar(select(func.current_setting(name)))) for name in names}
    standby = bool(connection.scalar(select(func.pg_is_in_recovery())))
    if standby:
        yield fail("postgresql_standby", **said)
    elif said["server_encoding"] != "UTF8":
        yield fail("postgresql_encoding", **said)
    elif "off" in (said["fsync"], said["full_page_writes"]):
        yield fail("postgresql_fsync", **said)
    else:
        yield ok("postgresql", **said)


def schema(database: Database) -> Iterator[Found]:
    """The version of the schema."""
    found = database.version()
    if found == HEAD:
        yield ok("schema", version=found)
    else:
        yield fail("schema_older" if found < HEAD else "schema_newer", version=found, wanted=HEAD)


def pages(path: Path) -> Iterator[Found]:
    """Whether the pages of an SQLite file are whole."""
    if path.stat().st_size > LARGE:
        yield unknown("pages_many", size=path.stat().st_size // 1_000_000)
        return
    found = copying.problems(path, quick=True)
    yield fail("pages_damaged", problem=found[0][:200]) if found else ok("pages")


def chain(connection: Connection, data: Path) -> Iterator[Found]:
    """Whether the chain of reports goes on to its end, and holds the head that the last backup noted."""
    last = connection.scalar(select(func.max(reports.c.position))) or 0
    begins, _ = evidence.beginning(connection)
    before = evidence.head_at(connection, max(begins.position, last - LAST))
    for row in evidence.between(connection, max(begins.position, last - LAST) + 1, last):
        report, at = evidence.named(row)
        after = evidence.hexadecimal(row.chain)
        follows = before is not None and row.position == before.position + 1
        if before is None or not follows or chain_head(before.chain, report, at) != after:
            yield fail("chain_broken", position=row.position)
            return
        before = evidence.Head(row.position, after)
    noted = stamp.last(data)
    if noted is not None:
        position, _, digest = noted.head.partition(":")
        kept = evidence.head_at(connection, int(position))
        if int(position) >= begins.position and (kept is None or kept.chain != digest):
            yield fail("chain_not_of_backup", head=noted.head)
            return
    yield ok("chain", head=before or begins)


def log(connection: Connection) -> Iterator[Found]:
    """The audit log's chain."""
    count = 0
    for entry in audit.entries(connection):
        count += 1
        if not entry.sound:
            yield fail("audit_broken", position=entry.position)
            return
    yield ok("audit", count=count)


def backups(data: Path, now: datetime) -> Iterator[Found]:
    """The last backup."""
    last = stamp.last(data)
    if last is None:
        yield warn("backup_none")
    elif last.at > now + MEANWHILE:
        yield warn("backup_ahead", at=last.at.isoformat(timespec="minutes"))
    elif now - last.at > BACKUP_AGE:
        yield warn("backup_old", days=(now - last.at).days, path=last.path)
    else:
        yield ok("backup", at=last.at.isoformat(timespec="minutes"), path=last.path)


def access(connection: Connection, now: datetime) -> Iterator[Found]:
    """Who can read: credentials that are about to end."""
    held = [one for one in readers.every(connection) if one.revoked_at is None and one.expires_at > now]
    ending = [one for one in held if one.expires_at - now < EXPIRING]
    if ending:
        yield warn("access_ending", names=", ".join(one.name for one in ending[:10]))
    elif not any(one.role == "administrator" for one in held):
        yield warn("access_no_administrator")
    else:
        yield ok("access", count=len(held))


def people(connection: Connection, now: datetime) -> Iterator[Found]:
    """What waits for an administrator: PCs to approve, keys that two machines have."""
    waiting = history.awaiting(connection, now)
    yield warn("awaiting", count=waiting) if waiting else ok("awaiting_none")
    marked = select(func.count()).where(agents.c.conflict_at.is_not(None), agents.c.revoked_at.is_(None))
    conflicts = connection.scalar(marked) or 0
    yield warn("conflicts", count=conflicts) if conflicts else ok("conflicts_none")


def last_report(connection: Connection) -> datetime | None:
    """When the last report came."""
    found: datetime | None = connection.scalar(
        select(reports.c.received_at).order_by(reports.c.position.desc()).limit(1)
    )
    return found
