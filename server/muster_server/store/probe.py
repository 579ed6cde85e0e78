"""A write that changes nothing and still has to reach the disk: the only proof that reports can be stored.

A full disk, a PostgreSQL that has become a standby (``SELECT 1`` still answers there, security.md §3.2) and a file that
may only be read all fail here, and nowhere before.
"""

from __future__ import annotations

from sqlalchemy import Connection, column, table, update

_version = table("alembic_version", column("version_num"))  # one row, written anew with what stands in it


def write(connection: Connection) -> None:
    """Write inside the running transaction; it counts once that is committed. Raises ``DBAPIError``."""
    written = connection.execute(update(_version).values(version_num=_version.c.version_num))
    if written.rowcount != 1:
        raise RuntimeError("the database has no version")  # it is not one of ours any more
