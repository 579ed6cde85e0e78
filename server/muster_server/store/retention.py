"""Removes what has passed its term, from the oldest report on, so that the chain of the rest stays verifiable.

Of the reports that go, the table ``pruned`` keeps where the chain now begins. With them go what nothing refers to any
more: bodies, boots, manifests and tables, the intervals that had ended before, and old conflicts. Findings stay: they
are the history of compliance. So do closed months, which are files of their own.

Every step is a short transaction of its own, so that reports can come in between, and each leaves a database in which
everything holds. The first one writes what is going to happen into the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from muster_server.store import audit, unreferenced
from muster_server.store.database import Database
from muster_server.store.schema import moment_text, pruned, reports

ACT = "history.prune"
OPERATOR = "muster"
REPORTS = 2000  # removed in one transaction
LEAST = timedelta(days=184)  # the law's six months, whatever the settings say
# At most so much of the history goes in one day's run: should the server's clock jump ahead by years, most of the
# history is still there when somebody notices. `muster prune` by hand has no such bound.
STRIDE = timedelta(days=31)

Run = Callable[[Callable[[Connection], Any]], Any]  # does a job in a write transaction of its own


@dataclass(frozen=True)
class Cut:
    """Up to where the chain goes."""

    position: int  # of the last report that has passed its term
    at: datetime  # when that one was received
    chain: bytes  # head of the chain after it
    count: int  # reports up to there


@dataclass
class Pruned:
    """What went, or would go."""

    before: datetime
    cut: Cut | None  # None: nothing has passed its term
    removed: dict[str, int] = field(default_factory=dict)  # rows, by table


def due(connection: Connection, before: datetime) -> Cut | None:
    """Up to where every report was received before that moment. The first newer one ends it, wherever it stands."""
    newer = select(reports.c.position).where(reports.c.received_at >= before).order_by(reports.c.position).limit(1)
    first_kept = connection.scalar(newer)
    old = reports.c.received_at < before
    if first_kept is not None:
        old = reports.c.position < first_kept
    last = connection.execute(
        select(reports.c.position, reports.c.received_at, reports.c.chain)
        .where(old)
        .order_by(reports.c.position.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    up_to = select(func.count()).select_from(reports).where(reports.c.position <= last.position)
    return Cut(last.position, last.received_at, last.chain, connection.scalar(up_to) or 0)


def limit(keep: timedelta, now: datetime) -> datetime:
    """What was received before this has passed its term."""
    return now - max(keep, LEAST)


def daily(database: Database, run: Run, keep: timedelta, now: datetime) -> Pruned:
    """What the server does once a day: as :func:`prune`, but at most a month of history at a time."""
    before = limit(keep, now)
    with database.read() as connection:
        oldest = connection.scalar(select(reports.c.received_at).order_by(reports.c.position).limit(1))
    return prune(database, run, before if oldest is None else min(before, oldest + STRIDE))


def prune(database: Database, run: Run, before: datetime) -> Pruned:
    """Remove what was received before a moment; ``run`` does each step in a write transaction."""
    with database.read() as connection:
        cut = due(connection, before)
        announced = cut is None or _announced(connection, cut)
    done = Pruned(before, cut)
    if cut is not None:
        for step in _steps(database, cut):
            gone = run(partial(_remove, position=step, cut=cut, announce=None if announced else before))
            announced = True
            done.removed[reports.name] = done.removed.get(reports.name, 0) + gone
    with database.read() as connection:
        begins = connection.scalar(select(func.max(pruned.c.at)))
    if begins is not None:
        for table, job in unreferenced.steps(database, begins, before):
            gone = run(job)
            done.removed[table] = done.removed.get(table, 0) + gone
    return done


def _steps(database: Database, cut: Cut) -> Iterator[int]:
    """The positions up to which each transaction removes."""
    with database.read() as connection:
        position = connection.scalar(select(func.min(reports.c.position))) or cut.position
    while position + REPORTS <= cut.position:
        position += REPORTS
        yield position - 1
    yield cut.position


def _remove(connection: Connection, position: int, cut: Cut, announce: datetime | None) -> int:
    """Remove what is left up to a position; ``announce`` in the audit log that all goes that came before then."""
    last = connection.execute(
        select(reports.c.position, reports.c.chain, reports.c.received_at)
        .where(reports.c.position <= position)
        .order_by(reports.c.position.desc())
        .limit(1)
    ).first()
    if last is None:
        return 0
    first = connection.scalar(select(func.min(reports.c.position)))
    gone = connection.execute(delete(reports).where(reports.c.position <= last.position)).rowcount
    connection.execute(delete(pruned))
    connection.execute(insert(pruned).values(position=last.position, chain=last.chain, at=last.received_at))
    if announce is not None:
        detail = {"position": cut.position, "chain": cut.chain.hex(), "reports": cut.count, "first": first}
        detail["before"] = moment_text(announce)
        audit.append(connection, datetime.now(UTC), OPERATOR, ACT, str(cut.position), detail)
    return gone


def _announced(connection: Connection, cut: Cut) -> bool:
    """Whether the last thing the audit log says of pruning is this cut."""
    last = None
    for logged in audit.entries(connection):
        last = logged.entry if logged.entry.act == ACT else last
    return last is not None and last.detail.get("position") == cut.position
