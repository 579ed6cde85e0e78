"""Where store, judge and tally meet: what holds in the office at a moment, and the sweep that remembers findings.

Reports look and never write. The sweep does the same and stores what changed, so both always agree.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
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
from muster_server.judge.verdict import Judged, Verdict
from muster_server.office import Office
from muster_server.store import findings as remembered
from muster_server.store import history, roster
from muster_server.store.database import Database
from muster_server.subject import Finding, Subject
from muster_server.tally import Month, Point, Tally, tally

TREND = 12  # months
CHUNK = 500  # findings stored in one transaction: whoever reports meanwhile waits for no more than that

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
    awaiting: Mapping[str, int] = field(default_factory=dict)  # PCs that nobody has approved yet, by unit
    duplicates: Mapping[str, int] = field(default_factory=dict)  # PCs that may be copies of another, by unit


class Assessor:
    """Judges PCs by one set of policies; made once, used for many moments."""

    def __init__(self, policies: Iterable[Policy], support: EndOfSupport) -> None:
        self.policies = list(policies)
        self.rules = rules_of(self.policies)
        self._support = support
        asked = {rule.table for rule in self.rules.values()}
        asked.update(table for rule in self.rules.values() for table in rule.given)
        self._wanted = (asked | ALWAYS) - {os_support.TABLE}
        self._verdicts: dict[tuple[object, ...], Verdict] = {}

    def look(self, connection: Connection, as_of: datetime, only: Collection[str] | None = None) -> Assessed:
        """Judge the PCs (all, or ``only`` these ids) as of a moment."""
        judged, closed, changed = [], [], []
        before = remembered.load(connection, as_of, only)
        for subject in history.each_subject(connection, self._wanted, as_of, only):
            one, findings = self._judge(subject, before.get(subject.pc.id, []), as_of)
            judged.append(one)
            closed += [finding for finding in findings if finding.closed is not None]
            changed += [finding for finding in findings if finding not in before.get(subject.pc.id, [])]
        if only is not None:
            return Assessed(as_of, judged, closed, changed)
        awaiting, duplicates = roster.count_awaiting(connection, as_of), roster.count_duplicates(connection, as_of)
        return Assessed(as_of, judged, closed, changed, awaiting, duplicates)

    def _judge(self, subject: Subject, before: list[Finding], as_of: datetime) -> tuple[Judged, tuple[Finding, ...]]:
        if subject.tables is not None:
            subject = Subject(subject.pc, self._support.derive(subject.tables))
        verdicts = tuple(self._shared(verdict) for policy in self.policies for verdict in judge(policy, subject, as_of))
        findings = advance(subject.pc.id, before, verdicts, self.rules, as_of)
        return Judged(_without_rows(subject), verdicts, open_findings(findings)), findings

    def _shared(self, verdict: Verdict) -> Verdict:
        """The same answer of the same rule is one object for all PCs: most are, and there are hundreds of thousands."""
        said = verdict.reason
        total = verdict.evidence_total
        key = (
            verdict.rule,
            verdict.result,
            said.code,
            repr(said.args),
            repr(verdict.evidence),
            total,
            verdict.flips_at,
        )
        return self._verdicts.setdefault(key, verdict)


def _without_rows(subject: Subject) -> Subject:
    """A PC that was judged, without the rows that no view shows: the verdicts carry those that matter.

    Of 10,000 PCs the rest would take hundreds of megabytes.
    """
    if subject.tables is None:
        return subject
    kept = {
        name: table if name in ALWAYS or table.rows is None else dataclasses.replace(table, rows=())
        for name, table in subject.tables.items()
    }
    return Subject(subject.pc, kept)


def assessor_of(deployment: Deployment) -> Assessor:
    """Judge as this deployment does. Raises ``PolicyError``."""
    return Assessor(deployment.policies(), deployment.end_of_support())


def sweep(
    database: Database, assessor: Assessor, store: Callable[[Any], None], only: Collection[str] | None = None
) -> Assessed:
    """Judge now and hand ``store`` a job that remembers what changed; returns what was seen."""
    with database.read() as connection:
        seen = assessor.look(connection, datetime.now(UTC), only)
    for start in range(0, len(seen.changed), CHUNK):
        some = seen.changed[start : start + CHUNK]
        store(lambda connection, some=some: remembered.save(connection, some))
    return seen


class Snapshot:
    """Every PC judged at one moment, and the numbers of the whole or of one unit made from that one look."""

    def __init__(self, seen: Assessed, assessor: Assessor, office: Office) -> None:
        self._seen = seen
        self._assessor = assessor
        self._office = office
        self._lock = threading.Lock()
        self._tallies: dict[str | None, Tally] = {}

    def tally(self, unit: str | None = None) -> Tally:
        """The numbers of the whole, or of ``unit`` alone. Any thread may ask."""
        with self._lock:
            if unit not in self._tallies:
                units = None if unit is None else {unit}
                self._tallies[unit] = _counted(self._seen, self._assessor, self._office, units)
            return self._tallies[unit]

    def units(self) -> list[str | None]:
        """For which units it was counted, None among them for the whole."""
        with self._lock:
            return list(self._tallies)


def snapshot(deployment: Deployment, as_of: datetime) -> Snapshot:
    """Judge every PC as of a moment, now as a rule."""
    return _in_database(
        deployment, lambda look: Snapshot(look.assessor.look(look.connection, as_of), look.assessor, look.office)
    )


def assess(data: Path, as_of: datetime | None = None, units: Collection[str] | None = None) -> Tally:
    """The office as of a moment; now, in this server's time zone, unless given. With ``units`` of those alone."""
    return _in_database(Deployment(data), lambda look: look.tally(as_of or datetime.now().astimezone()), units)


def month(data: Path, name: str, units: Collection[str] | None = None) -> Month:
    """One month (2026-11) with the month before and the trend, of ``units`` alone if given. Raises :class:`NoData`."""
    return _in_database(Deployment(data), lambda look: look.month(name), units)


def _counted(seen: Assessed, assessor: Assessor, office: Office, units: Collection[str] | None) -> Tally:
    """The numbers; with ``units`` as if there were no other: neither their PCs, nor their names, nor their people."""
    counted = _tallied(seen, assessor, office, units)
    awaiting, duplicates = (
        sum(n for unit, n in numbers.items() if units is None or unit in units)
        for numbers in (seen.awaiting, seen.duplicates)
    )
    return dataclasses.replace(counted, awaiting=awaiting, duplicates=duplicates)


def _tallied(seen: Assessed, assessor: Assessor, office: Office, units: Collection[str] | None) -> Tally:
    if units is None:
        return tally(seen.judged, assessor.policies, office, seen.as_of, seen.closed)
    judged = [one for one in seen.judged if one.pc.unit in units]
    pcs = {one.pc.id for one in judged}
    closed = [finding for finding in seen.closed if finding.pc in pcs]
    theirs = {unit: person for unit, person in office.responsible.items() if unit in units}
    return tally(judged, assessor.policies, dataclasses.replace(office, responsible=theirs), seen.as_of, closed)


def _in_database(
    deployment: Deployment, ask: Callable[[_Look], Answer], units: Collection[str] | None = None
) -> Answer:
    office, assessor = deployment.office(), assessor_of(deployment)
    database = deployment.database()
    try:
        with database.read() as connection:
            return ask(_Look(connection, assessor, office, units))
    finally:
        database.close()


@dataclass(frozen=True)
class _Look:
    """One consistent look at the database."""

    connection: Connection
    assessor: Assessor
    office: Office
    units: Collection[str] | None = None

    def tally(self, as_of: datetime) -> Tally:
        return _counted(self.assessor.look(self.connection, as_of), self.assessor, self.office, self.units)

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
