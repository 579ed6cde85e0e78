"""Why a database cannot be used, in words a person can act on.

DatabaseError           the database cannot be used; says why
├── Missing             there is none
├── NotEmpty            a new one was to be made where something lies already
├── Damaged             what is in it is not whole
├── LostLog             the file of its last commits (-wal) is gone
├── Locked              somebody else held it for too long
├── Full                its disk is full
├── ReadOnly            its file, folder or disk may not be written to
├── Unreachable         no PostgreSQL answers there
├── NotLetIn            PostgreSQL knows no such user, password or database
├── Standby             PostgreSQL takes no writes now: it is a standby, or was switched to read-only
├── TooOld              PostgreSQL is older than what Muster needs
├── WrongEncoding       the database in PostgreSQL cannot hold every text
└── WrongSchema         it was made by another version of Muster
    ├── OlderSchema     by an older one: `muster upgrade` brings it up to date
    └── NewerSchema     by a newer one: nothing here may touch it
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError


class DatabaseError(Exception):
    """The database cannot be used. ``code`` is a key of reports/wording/, ``detail`` what it is about."""

    code = "store.unusable"

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.code}: {detail}")
        self.detail = detail


class Missing(DatabaseError):
    """There is no database."""

    code = "store.missing"


class NotEmpty(DatabaseError):
    """A new database was to be made in one that holds tables."""

    code = "store.not_empty"


class Damaged(DatabaseError):
    """What the database holds is not whole."""

    code = "store.damaged"


class LostLog(DatabaseError):
    """The write-ahead log of a server that did not stop in order is gone, and with it what it acknowledged last."""

    code = "store.lost_log"


class Locked(DatabaseError):
    """Somebody else held the database for too long."""

    code = "store.locked"


class Full(DatabaseError):
    """The disk is full."""

    code = "store.full"


class ReadOnly(DatabaseError):
    """The file, its folder or its disk may not be written to."""

    code = "store.read_only"


class Unreachable(DatabaseError):
    """No PostgreSQL answers."""

    code = "store.unreachable"


class NotLetIn(DatabaseError):
    """PostgreSQL knows no such user, password or database, or the user may not do this."""

    code = "store.not_let_in"


class Standby(DatabaseError):
    """PostgreSQL takes no writes now."""

    code = "store.standby"


class TooOld(DatabaseError):
    """PostgreSQL is too old."""

    code = "store.too_old"


class WrongEncoding(DatabaseError):
    """The database is not UTF8."""

    code = "store.wrong_encoding"


class WrongSchema(DatabaseError):
    """The database was made by another version."""

    code = "store.wrong_schema"


class OlderSchema(WrongSchema):
    """The database was made by an older version."""

    code = "store.older_schema"


class NewerSchema(WrongSchema):
    """The database was made by a newer version."""

    code = "store.newer_schema"


# By the primary result code of SQLite (https://www.sqlite.org/rescode.html).
SQLITE: dict[int, type[DatabaseError]] = {
    sqlite3.SQLITE_BUSY: Locked,
    sqlite3.SQLITE_READONLY: ReadOnly,
    sqlite3.SQLITE_CORRUPT: Damaged,
    sqlite3.SQLITE_FULL: Full,
    sqlite3.SQLITE_NOTADB: Damaged,
}

# By the beginning of PostgreSQL's code (https://www.postgresql.org/docs/current/errcodes-appendix.html).
POSTGRESQL: tuple[tuple[str, type[DatabaseError]], ...] = (
    ("08", Unreachable),
    ("57P", Unreachable),
    ("53300", Unreachable),
    ("25006", Standby),
    ("28", NotLetIn),
    ("3D000", NotLetIn),
    ("42501", NotLetIn),
    ("55P03", Locked),
    ("53100", Full),
    ("XX001", Damaged),
    ("XX002", Damaged),
)

# libpq gives no code for a connection that was not made, and speaks English unless the server was set up otherwise.
SAID: tuple[tuple[str, type[DatabaseError]], ...] = (
    ("session is read-only", Standby),
    ("in hot standby mode", Standby),
    ("authentication failed", NotLetIn),
    ("no password supplied", NotLetIn),
    ("no pg_hba.conf entry", NotLetIn),
    ("does not exist", NotLetIn),
)
# Whoever holds such a connection is to throw it away: what it is connected to takes no writes, or goes away.
LOST = ("08", "57P", "25006")


def named(error: DBAPIError, where: str = "") -> DatabaseError:
    """What an error of the driver means. It never holds a password: neither database repeats one."""
    original: Any = error.orig
    text = " ".join(str(original).split())
    detail = f"{where}: {text}" if where else text
    if isinstance(original, sqlite3.Error):
        return SQLITE.get((getattr(original, "sqlite_errorcode", None) or 0) & 0xFF, DatabaseError)(detail)
    state = getattr(original, "sqlstate", None)
    if state is not None:
        return next((kind for code, kind in POSTGRESQL if state.startswith(code)), DatabaseError)(detail)
    if "connection" in text or "server" in text:
        return next((kind for said, kind in SAID if said in text), Unreachable)(detail)
    return DatabaseError(detail)


def lost(error: BaseException | None) -> bool:
    """Whether an error of PostgreSQL says that the connection is of no use any more."""
    return str(getattr(error, "sqlstate", None) or "").startswith(LOST)
