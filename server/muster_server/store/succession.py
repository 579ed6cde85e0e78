"""One PC in another's place: what was open on the old one goes on under the new one, with the day it was first seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from muster_server.store.schema import findings


def carry_over(connection: Connection, old: str, new: str, now: datetime) -> int:
    """Let the open findings of the agent ``old`` go on under ``new``; returns how many.

    Under ``old`` they close as neutral, so that a look at the past still shows them where they were. Where ``new``
    fails the rule as well, the two become one that is as old as the older.
    """
    opened = connection.execute(
        select(findings).where(findings.c.pc == old, findings.c.closed.is_(None)).order_by(findings.c.id)
    ).all()
    for row in opened:
        known = connection.execute(
            select(findings)
            .where(findings.c.pc == new, findings.c.rule == row.rule, findings.c.closed.is_(None))
            .order_by(findings.c.opened.desc())
            .limit(1)
        ).first()
        carried = {name: getattr(row, name) for name in ("first_seen", "opened", "due", "severity", "relapsed")}
        if known is None:
            connection.execute(insert(findings).values(pc=new, rule=row.rule, closed=None, neutral=False, **carried))
        elif row.opened < known.opened:
            carried["first_seen"] = min(row.first_seen, known.first_seen)
            connection.execute(update(findings).where(findings.c.id == known.id).values(carried))
        connection.execute(update(findings).where(findings.c.id == row.id).values(closed=now, neutral=True))
    return len(opened)
