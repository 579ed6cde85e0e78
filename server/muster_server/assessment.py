"""Where store, judge and tally meet: what holds in the office at a moment, and the sweep that remembers findings.

Reports look and never write. The sweep does the same and stores what changed, so both always agree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from muster_server.deployment import Deployment
from muster_server.feeds import os_support
from muster_server.feeds.os_support import EndOfSupport
from muster_server.judge.findings import advance, open_findings, rules_of
from muster_server.judge.judging import judge
from muster_server.judge.policy import Policy
from muster_server.judge.verdict import Judged
from muster_server.office import Office
from muster_server.store import findings as remembered
from muster_server.store import history
from muster_server.store.database import Database
from muster_server.subject import Finding, Subject
from muster_server.tally import Month, Point, Tally, tally

TREND = 12  # months

Answer = TypeVar("Answer")

# What the views show of every PC, whatever the policies look at.
ALWAYS = frozenset({"os_version", "system_info"})


class NoData(Exception):
    """Nothing had been reported by the end of that month. ``months`` are those that have data."""

    def __init__(self, month: str, months: list[str]) -> None:
        super().__init__(f"no data in {month}")
        self.month = month
        self.months = months


@dataclass(frozen=True)
class Assessed:
    """Every PC judged at one moment, and the findings that are over."""

    as_of: datetime
    judged: list[Judged]
    closed: list[Finding]
    changed: list[Finding]  # opened or closed by this look: what a sweep stores


class Assessor:
    """Judges PCs by one set of policies; made once, used for many moments."""

    def __init__(self, policies: Iterable[Policy], support: EndOfSupport) -> None:
        self.policies = list(policies)
        self.rules = rules_of(self.policies)
        self._support = support
        asked = {rule.table for rule in self.rules.values()}
        asked.update(table for rule in self.rules.values() for table in rule.given)
        self._wanted = (asked | ALWAYS) - {os_support.TABLE}

    def look(self, connection: Connection, as_of: datetime, only: Collection[str] | None = None) -> Assessed:
        """Judge the PCs (all, or ``only`` these ids) as of a moment."""
        judged, closed, changed = [], [], []
        before = remembered.load(connection, as_of, only)
        for subject in history.subjects(connection, self._wanted, as_of, only):
            one, findings = self._judge(subject, before.get(subject.pc.id, []), as_of)
            judged.append(one)
            closed += [finding for finding in findings if finding.closed is not None]
            changed += [finding for finding in findings if finding not in before.get(subject.pc.id, [])]
        return Assessed(as_of, judged, closed, changed)

    def _judge(self, subject: Subject, before: list[Finding], as_of: datetime) -> tuple[Judged, tuple[Finding, ...]]:
        if subject.tables is not None:
            subject = Subject(subject.pc, self._support.derive(subject.tables))
        verdicts = tuple(verdict for policy in self.policies for verdict in judge(policy, subject, as_of))
        findings = advance(subject.pc.id, before, verdicts, self.rules, as_of)
        return Judged(subject, verdicts, open_findings(findings)), findings


def assessor_of(deployment: Deployment) -> Assessor:
    """Judge as this deployment does. Raises ``PolicyError``."""
    return Assessor(deployment.policies(), deployment.end_of_support())


def sweep(
    database: Database, assessor: Assessor, store: Callable[[Any], None], only: Collection[str] | None = None
) -> Assessed:
    """Judge now and hand ``store`` a job that remembers what changed; returns what was seen."""
    with database.read() as connection:
        seen = assessor.look(connection, datetime.now(UTC), only)
    if seen.changed:
        store(lambda connection: remembered.save(connection, seen.changed))
    return seen


def assess(data: Path, as_of: datetime | None = None) -> Tally:
    """The office as of a moment; now, in this server's time zone, unless given."""
    return _in_database(Deployment(data), lambda look: look.tally(as_of or datetime.now().astimezone()))


def month(data: Path, name: str) -> Month:
    """One month (2026-11) with the month before and the trend. Raises :class:`NoData`."""
    return _in_database(Deployment(data), lambda look: look.month(name))


def _in_database(deployment: Deployment, ask: Callable[[_Look], Answer]) -> Answer:
    office, assessor = deployment.office(), assessor_of(deployment)
    database = deployment.database()
    try:
        with database.read() as connection:
            return ask(_Look(connection, assessor, office))
    finally:
        database.close()


@dataclass(frozen=True)
class _Look:
    """One consistent look at the database."""

    connection: Connection
    assessor: Assessor
    office: Office

    def tally(self, as_of: datetime) -> Tally:
        seen = self.assessor.look(self.connection, as_of)
        return tally(seen.judged, self.assessor.policies, self.office, as_of, seen.closed)

    def months(self) -> list[str]:
        span = history.span(self.connection)
        if span is None:
            return []
        first, last = (moment.astimezone() for moment in span)
        numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        return [f"{number // 12}-{number % 12 + 1:02}" for number in numbers]

    def month(self, name: str) -> Month:
        known = self.months()
        current = datetime.now().astimezone()
        if not known or name < known[0] or start_of(name) > current:
            raise NoData(name, known)
        names = [earlier for earlier in _months_up_to(name) if earlier >= known[0]][-TREND:]
        tallies = {one: self.tally(min(end_of(one), current)) for one in names}
        now = tallies[name]
        return Month(
            name=name,
            over=end_of(name) <= current,
            tally=now,
            before=tallies[names[-2]] if len(names) > 1 else None,
            trend=tuple(Point(one, t.whole.confirmed, t.whole.coverage) for one, t in tallies.items()),
        )


def start_of(month: str) -> datetime:
    """The first moment of a month in this server's time zone. Raises ``ValueError`` for what is not a month."""
    return datetime.strptime(month, "%Y-%m").astimezone()


def end_of(month: str) -> datetime:
    """The last moment of a month."""
    year, number = (int(part) for part in month.split("-"))
    following = f"{year + number // 12}-{number % 12 + 1:02}"
    return start_of(following) - timedelta(microseconds=1)


def _months_up_to(month: str) -> list[str]:
    year, number = (int(part) for part in month.split("-"))
    last = year * 12 + number - 1
    return [f"{n // 12}-{n % 12 + 1:02}" for n in range(last - TREND + 1, last + 1)]
