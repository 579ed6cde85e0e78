"""Findings as they are remembered: one row an episode, from the report that showed it to the one that ended it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from muster_server.store.schema import findings
from muster_server.subject import Finding

CHUNK = 500  # PCs asked for at a time


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
    wanted = {(finding.pc, finding.rule, finding.opened): finding for finding in changed}
    pcs = sorted({pc for pc, _, _ in wanted})
    known: set[tuple[str, str, datetime]] = set()
    for start in range(0, len(pcs), CHUNK):
        query = select(findings.c.pc, findings.c.rule, findings.c.opened)
        chosen = query.where(findings.c.pc.in_(pcs[start : start + CHUNK]))
        known.update((row.pc, row.rule, row.opened) for row in connection.execute(chosen))
    new = [dict(vars(finding)) for key, finding in wanted.items() if key not in known]
    if new:
        connection.execute(insert(findings), new)
    closed = [_closing(finding) for key, finding in wanted.items() if key in known]
    if closed:
        connection.execute(_CLOSE, closed)


# An episode that is over stays over: a late sweep must not reopen what a newer one has closed.
_CLOSE = (
    update(findings)
    .where(
        findings.c.pc == bindparam("of"),
        findings.c.rule == bindparam("by"),
        findings.c.opened == bindparam("since"),
        findings.c.closed.is_(None),
    )
    .values(
        {name: bindparam(name) for name in ("severity", "first_seen", "due", "closed", "relapsed", "neutral")},
    )
)


def _closing(finding: Finding) -> dict[str, Any]:
    values = dict(vars(finding))
    return {"of": values.pop("pc"), "by": values.pop("rule"), "since": values.pop("opened"), **values}


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
