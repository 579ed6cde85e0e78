"""What a failed write means for whoever waits for it, and when the server must not go on."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError

from muster_server.receive.refusal import Refusal
from muster_server.store.unusable import Full, named

RETRY_AFTER = 60  # seconds
# The disk did not confirm what was written. The system has forgotten then which pages those were, and a second try
# would be confirmed whatever became of the first (security.md §3.3). PostgreSQL sees to that by itself.
UNCONFIRMED = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)


def unconfirmed(error: BaseException) -> bool:
    """Whether a sync failed, so that nothing may be acknowledged from now on."""
    original: Any = error.orig if isinstance(error, DBAPIError) else error
    return getattr(original, "sqlite_errorcode", None) in UNCONFIRMED


def of_storage(error: BaseException) -> bool:
    """Whether the database or its disk fails, and not what was to be written."""
    original: Any = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        return isinstance(original, sqlite3.OperationalError) or type(original) is sqlite3.DatabaseError
    # 22 is wrong data, 23 a broken constraint.
    return isinstance(error, DBAPIError) and not str(getattr(original, "sqlstate", None) or "").startswith(("22", "23"))


def refusal(error: DBAPIError) -> Refusal:
    """What the PC is told: nothing was stored, it keeps its report and comes again."""
    if isinstance(named(error), Full):
        return Refusal(507, "storage_full", "the server's disk is full", RETRY_AFTER)
    return Refusal(503, "storage", "the server cannot store anything now", RETRY_AFTER)
