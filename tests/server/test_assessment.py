"""From reports to answers: what one PC does must never take the answer about the others away."""

from __future__ import annotations

import gzip
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muster_agent.canonical import canonical, digest
from muster_agent.facts import OsVersion, SystemInfo, Table, Tables
from muster_agent.sending.envelope import FIRST, Envelope
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport, sign
from muster_server.assessment import NoData, assess, assessor_of, end_of, month, start_of, sweep
from muster_server.deployment import Deployment
from muster_server.judge.verdict import Result
from muster_server.receive.door import check_report
from muster_server.store import agents, keys, tokens
from muster_server.store.reports import accept
from muster_server.store.tokens import Terms
from muster_server.tally import State as PCState
from muster_server.words import Words


class Office:
    """A deployment whose PCs report at moments of the test's choosing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.deployment = Deployment.create(path, "Office", Words("en"))
        self.database = self.deployment.database()
        self.keys: dict[str, SigningKey] = {}
        self.last: dict[str, State] = {}

    def enrol(self, name: str, at: datetime) -> str:
        """Take in a PC; returns its id."""
        key = SigningKey.generate()
        with self.database.write() as connection:
            token = tokens.issue(connection, Terms("unit"), "os:test", at, at + timedelta(days=1))
            request = agents.Request(key.public, tokens.token_hash(token), name, None, None, b"", b"")
            agent = agents.enrol(connection, request, at)
        assert agent is not None
        self.keys[agent.id], self.last[agent.id] = key, State(0, FIRST)
        return agent.id

    def receive(self, pc: str, signed: SignedReport, at: datetime) -> None:
        """Let a signed report through the door."""
        with self.database.write() as connection:
            incoming = check_report(signed, lambda agent, key: keys.find(connection, agent, key))
            accept(connection, incoming, at, self.deployment.key().sign)
        envelope = Envelope.parse(signed.envelope)
        self.last[pc] = State(envelope.seq, envelope.digest, [])

    def report(self, pc: str, tables: Tables, at: datetime) -> None:
        """Let a PC report."""
        self.receive(pc, sign(tables, pc, self.keys[pc], self.last[pc], "2026-11-24T08:00:00Z")[1], at)

    def forge(self, pc: str, content: dict[str, Any], at: datetime) -> None:
        """Let a PC report what no agent of ours would say."""
        body = gzip.compress(canonical(content))
        plain = sign({}, pc, self.keys[pc], self.last[pc], "2026-11-24T08:00:00Z")[1]
        envelope = replace(Envelope.parse(plain.envelope), body=digest(body)).to_bytes()
        self.receive(pc, SignedReport(envelope, self.keys[pc].sign(envelope), body), at)

    def sweep(self) -> None:
        """Remember findings."""

        def store(job: Any) -> None:
            with self.database.write() as connection:
                job(connection)

        sweep(self.database, assessor_of(self.deployment), store)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "data")


NOW = datetime.now(UTC)
DEBIAN = Table((OsVersion(name="Debian", platform="debian", major=13, version="13 (trixie)"),))


def tables(name: str = "pc") -> Tables:
    """What a PC says that tells little of itself."""
    return {"os_version": DEBIAN, "system_info": Table((SystemInfo(hostname=name),)), "antivirus": Table(())}


def test_rows_of_another_table_harm_only_the_pc_that_named_them(office: Office) -> None:
    good, bad = (office.enrol(name, NOW) for name in ("good", "bad"))
    office.report(good, tables("good"), NOW)
    rows = [{"name": 5, "hostname": 7}]
    entry = {"digest": digest(canonical(rows)), "status": "ok"}
    body = {"agent_version": "1", "schema": 1}
    office.forge(bad, {**body, "bodies": {entry["digest"]: rows}, "manifest": {"tables": {"zzz": entry}}}, NOW)
    named = {"os_version": entry, "system_info": entry, "antivirus": entry}
    office.forge(bad, {**body, "bodies": {}, "manifest": {"tables": named}}, NOW)

    pcs = {pc.pc.id: pc for pc in assess(office.path).pcs}
    table = pcs[bad].judged.subject.tables["antivirus"]  # type: ignore[index]
    assert (table.status, table.problem.code if table.problem else None) == ("error", "rows_not_of_table")
    assert {verdict.result for verdict in pcs[bad].verdicts} <= {Result.UNKNOWN, Result.ERROR}
    assert pcs[bad].state is PCState.UNKNOWN
    assert pcs[good].state is PCState.NONCOMPLIANT
    office.sweep()
    connection = sqlite3.connect(office.path / "muster.db")
    assert connection.execute("SELECT DISTINCT pc FROM findings").fetchall() == [(good,)]
    connection.close()


def test_two_pcs_of_one_name_are_told_apart_in_every_view(office: Office) -> None:
    for name in ("Same", "same"):
        office.report(office.enrol(name, NOW), tables(name), NOW)
    names = sorted(pc.pc.name for pc in assess(office.path).pcs)
    assert len({name.casefold() for name in names}) == 2
    assert all("(" in name for name in names)


def test_a_pc_falls_silent_and_the_headline_falls_with_it(office: Office) -> None:
    office.report(office.enrol("pc", NOW - timedelta(days=20)), tables(), NOW - timedelta(days=8))
    tally = assess(office.path)
    assert tally.whole.states[PCState.SILENT] == 1
    assert (tally.whole.coverage.n, tally.whole.coverage.of) == (0, 1)


def test_findings_are_the_same_stored_or_looked_at(office: Office) -> None:
    office.report(office.enrol("pc", NOW), tables(), NOW)
    before = [(item.rule.id, item.finding.severity) for item in assess(office.path).items]
    office.sweep()
    office.sweep()
    after = [(item.rule.id, item.finding.severity) for item in assess(office.path).items]
    assert before == after != []


def test_a_month_that_is_over_stays_as_it_was(office: Office) -> None:
    this = datetime.now().astimezone().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = this - timedelta(days=3)
    name = last.strftime("%Y-%m")
    pc = office.enrol("pc", last)
    office.report(pc, tables(), last)
    before = month(office.path, name)
    office.report(pc, {**tables(), "os_version": Table((OsVersion(platform="windows", major=10),))}, NOW)
    office.report(office.enrol("later", NOW), tables("later"), NOW)
    office.sweep()
    after = month(office.path, name)
    assert (after.over, after.tally.whole.registered) == (True, 1)
    assert [pc.verdicts for pc in after.tally.pcs] == [pc.verdicts for pc in before.tally.pcs]
    assert [point.month for point in month(office.path, this.strftime("%Y-%m")).trend] == [name, this.strftime("%Y-%m")]


def test_a_month_without_data_says_which_have_some(office: Office) -> None:
    with pytest.raises(NoData) as none:
        month(office.path, "2026-01")
    assert none.value.months == []
    office.report(office.enrol("pc", NOW), tables(), NOW)
    for name in ("1999-01", "9000-01"):
        with pytest.raises(NoData) as none:
            month(office.path, name)
        assert none.value.months == [NOW.astimezone().strftime("%Y-%m")]


@pytest.mark.parametrize(
    ("name", "following"), [("2026-11", "2026-12"), ("2026-12", "2027-01"), ("2028-02", "2028-03")]
)
def test_a_month_ends_where_the_next_begins(name: str, following: str) -> None:
    assert end_of(name) + timedelta(microseconds=1) == start_of(following)
    assert end_of(name).strftime("%Y-%m") == name
