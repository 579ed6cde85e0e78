"""How long a look at the whole office takes, now and in the middle of its history.

    python benchmarks/looking.py DATABASE [--tables NAME,NAME]

DATABASE is a muster.db that is read and not changed, e.g. a backup of an office of 10,000 PCs and a year.
"""

from __future__ import annotations

import argparse
import time
from datetime import datetime, timedelta
from pathlib import Path

from muster_server.store import history
from muster_server.store.database import Database

TABLES = "os_version,system_info,packages"


def look(database: Database, as_of: datetime, tables: list[str], what: str) -> None:
    """Look once, and say how long that took: by the clock, and of the processor alone."""
    clock, processor = time.monotonic(), time.process_time()
    with database.read() as connection:
        found = history.subjects(connection, tables, as_of)
    print(
        f"{time.monotonic() - clock:8.2f} s ({time.process_time() - processor:.2f} s of the processor)  "
        f"{what}: {len(found)} PCs, {sum(one.tables is not None for one in found)} of them with facts",
        flush=True,
    )


def main() -> None:
    """Look, twice each."""
    asked = argparse.ArgumentParser()
    asked.add_argument("database", type=Path)
    asked.add_argument("--tables", default=TABLES)
    given = asked.parse_args()
    database = Database.open(given.database)
    with database.read() as connection:
        span, reports = history.span(connection), history.count(connection)
    if span is None:
        raise SystemExit("nothing has been reported")
    print(
        f"{reports} reports from {span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}, {given.database.stat().st_size / 1e6:.0f} MB"
    )
    moments = (("now", span[1] + timedelta(seconds=1)), ("half-way back", span[0] + (span[1] - span[0]) / 2))
    for what, as_of in moments:
        for _ in range(2):
            look(database, as_of, given.tables.split(","), what)
    database.close()


if __name__ == "__main__":
    main()
