"""Findings as they are remembered: one row an episode, from the report that showed it to the one that ended it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, select, update

from muster_server.store.schema import findings
from muster_server.subject import Finding


def load(connection: Connection, as_of: datetime, only: Collection[str] | None = None) -> dict[str, list[Finding]]:
    """By PC id, every finding that had been opened at ``as_of``, as it stood then. ``only`` limits it to those PCs."""
    query = select(findings).where(findings.c.opened <= as_of)
    if only is not None:
        query = query.where(findings.c.pc.in_(only))
    found = defaultdict(list)
    for row in connection.execute(query.order_by(findings.c.opened, findings.c.id)):
        found[row.pc].append(_finding(row, as_of))
    return found


def save(connection: Connection, changed: Iterable[Finding]) -> None:
    """Store findings that are new, or that have been closed since they were loaded."""
    for finding in changed:
        key = and_(findings.c.pc == finding.pc, findings.c.rule == finding.rule, findings.c.opened == finding.opened)
        values = dict(vars(finding))
        # An episode that is over stays over: a late sweep must not reopen what a newer one has closed.
        updated = connection.execute(update(findings).where(key, findings.c.closed.is_(None)).values(values))
        if updated.rowcount == 0 and connection.execute(select(findings.c.id).where(key)).first() is None:
            connection.execute(insert(findings).values(values))


def _finding(row: Row[Any], as_of: datetime) -> Finding:
    closed = row.closed if row.closed is not None and row.closed <= as_of else None
    return Finding(
        pc=row.pc,
        rule=row.rule,
        severity=row.severity,
        first_seen=row.first_seen,
        opened=row.opened,
        due=row.due,
        closed=closed,
        relapsed=row.relapsed,
        neutral=row.neutral and closed is not None,
    )
