"""The same happens to a SQLite, to a PostgreSQL and to a small model in memory: all three give the same answers.

MUSTER_FUZZ=many looks deeper, at other examples every time.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from muster_agent.facts import OsVersion, SystemInfo, Table
from muster_agent.sending.envelope import FIRST, Envelope
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport, sign
from muster_server.receive.door import check_report
from muster_server.store import agents, findings, history, keys, retention, standings, tokens
from muster_server.store.database import Database
from muster_server.store.reports import Outcome, accept_all, last_of_chain
from muster_server.store.tokens import Terms, token_hash
from muster_server.subject import Finding

DEEP = os.environ.get("MUSTER_FUZZ") == "many"
START = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = [SigningKey.generate() for _ in range(8)]
SIGNER = SigningKey.generate()
WANTED = ("os_version", "system_info")
TOKEN_DAYS = 30


@dataclass
class Pc:
    """An enrolled PC as the model knows it."""

    id: str
    key: SigningKey
    token: str
    enrolled: datetime
    approved: datetime | None
    revoked: datetime | None = None
    ended: dict[str, datetime] = field(default_factory=dict)  # by public key, when it ends
    last: State = field(default_factory=lambda: State(0, FIRST, []))
    sent: dict[int, SignedReport] = field(default_factory=dict)  # accepted, by number
    said: list[tuple[datetime, int]] = field(default_factory=list)  # when it said what
    conflict: datetime | None = None


@contextlib.contextmanager
def chances(seed: int) -> Iterator[None]:
    """Names and secrets that are the same in every database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=seed))
        patch.setattr(secrets, "token_urlsafe", lambda size=32: f"token-{seed}")
        yield


class Machine(RuleBasedStateMachine):
    """What may happen to a deployment, in any order."""

    fresh: Callable[[], str]  # makes a PostgreSQL database

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.databases = [Database.create(Path(self.folder.name) / "muster.db"), Database.create(type(self).fresh())]
        self.now = START
        self.steps = 0
        self.issued: list[tuple[str, int, datetime, bool]] = []  # token, uses left, expiry, whether it takes approval
        self.pcs: list[Pc] = []
        self.position = 0
        self.pruned = False

    def teardown(self) -> None:
        for database in self.databases:
            database.close()
        self.folder.cleanup()

    # -- both at once ------------------------------------------------------------------------------------------------

    def write(self, job: Callable[[Any], Any]) -> Any:
        """Do the same in both; the one answer."""
        self.steps += 1
        answers = []
        for database in self.databases:
            with chances(self.steps), database.write() as connection:
                answers.append(job(connection))
        assert answers[0] == answers[1]
        return answers[0]

    def read(self, query: Callable[[Any], Any]) -> Any:
        """Ask both the same; the one answer."""
        answers = []
        for database in self.databases:
            with database.read() as connection:
                answers.append(query(connection))
        assert answers[0] == answers[1]
        return answers[0]

    def pick(self, number: int) -> Pc:
        return self.pcs[number % len(self.pcs)]

    # -- what happens ------------------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 60, 60 * 24, 60 * 24 * 8]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(uses=st.integers(1, 3), approval=st.booleans())
    def token(self, uses: int, approval: bool) -> None:
        expires = self.now + timedelta(days=TOKEN_DAYS)
        terms = Terms("科", uses, ("标签",), approval)
        made = self.write(lambda c: tokens.issue(c, terms, "os:test", self.now, expires))
        self.issued.append((made, uses, expires, approval))

    @precondition(lambda self: self.issued)
    @rule(which=st.integers(0, 99), key=st.integers(0, len(KEYS) - 1), name=st.sampled_from(["pc", "PC", "科-1", "é"]))
    def enrol(self, which: int, key: int, name: str) -> None:
        at = which % len(self.issued)
        token, uses, expires, approval = self.issued[at]
        asked = agents.Request(KEYS[key].public, token_hash(token), name, "uuid", None, b"{}", b"signature")
        got = self.write(lambda c: agents.enrol(c, asked, self.now))
        known = next((pc for pc in self.pcs if KEYS[key].public.hex() in (pc.key.public.hex(), *pc.ended)), None)
        if known is not None and (known.revoked is not None or KEYS[key].public.hex() in known.ended):
            assert got is None
        elif known is not None and known.token == token:
            assert got is not None and (got.id, got.last_seq) == (known.id, known.last.seq)
        elif uses == 0 or expires <= self.now:
            assert got is None
        else:
            assert got is not None
            self.issued[at] = (token, uses - 1, expires, approval)
            if known is None:
                approved = None if approval else self.now
                self.pcs.append(Pc(got.id, KEYS[key], token, self.now, approved))
            else:
                assert got.id == known.id

    @precondition(lambda self: self.pcs)
    @rule(
        which=st.integers(0, 99),
        kind=st.sampled_from(["next", "next", "next", "gap", "again", "used", "other chain"]),
        facts=st.integers(0, 2),
        old=st.booleans(),
    )
    def report(self, which: int, kind: str, facts: int, old: bool) -> None:
        pc = self.pick(which)
        self.send([(pc, self.signed(pc, kind, facts), facts)])

    @precondition(lambda self: len(self.pcs) > 1)
    @rule(facts=st.lists(st.integers(0, 2), min_size=2, max_size=5))
    def many_report(self, facts: list[int]) -> None:
        """Reports that share a commit."""
        self.send([(pc, self.signed(pc, "next", said), said) for pc, said in zip(self.pcs, facts, strict=False)])

    def signed(self, pc: Pc, kind: str, facts: int) -> SignedReport:
        if kind == "again" and pc.sent:
            return pc.sent[min(pc.sent)]
        last = {
            "gap": State(pc.last.seq + 3, "e" * 64, []),
            "used": State(max(pc.last.seq - 1, 0), "d" * 64, []),
            "other chain": State(pc.last.seq, "c" * 64, []),
        }.get(kind, State(pc.last.seq, pc.last.digest, []))
        tables: Any = {
            "os_version": Table((OsVersion(name="Debian", platform="debian", major=10 + facts),)),
            "system_info": Table((SystemInfo(hostname=f"host-{facts}"),)),
        }
        return sign(tables, pc.id, pc.key, last, "2026-11-24T08:00:00Z")[1]

    def send(self, sent: list[tuple[Pc, SignedReport, int]]) -> None:
        def take(connection: Any) -> list[Any]:
            incoming = [
                check_report(signed, lambda agent, key: keys.find(connection, agent, key)) for _, signed, _ in sent
            ]
            return accept_all(connection, incoming, self.now, SIGNER.sign)

        for (pc, signed, facts), got in zip(sent, self.write(take), strict=True):
            expected = self.expected(pc, signed, facts)
            assert got.outcome is expected, (got.outcome, expected)
            if expected is Outcome.ACCEPTED:
                assert got.receipt is not None and got.receipt.position == self.position
            assert (got.receipt is None) is (expected in (Outcome.CONFLICT, Outcome.REVOKED))

    def expected(self, pc: Pc, signed: SignedReport, facts: int) -> Outcome:
        """The decision table of security.md §2.4, once more."""
        envelope = Envelope.parse(signed.envelope)
        ended = [until for public, until in pc.ended.items() if keys.key_id(bytes.fromhex(public)) == envelope.key]
        if pc.revoked is not None or any(until <= self.now for until in ended):
            return Outcome.REVOKED
        if envelope.seq in pc.sent and pc.sent[envelope.seq].envelope == signed.envelope:
            return Outcome.DUPLICATE
        if envelope.seq <= pc.last.seq:
            pc.conflict = pc.conflict or self.now
            return Outcome.CONFLICT
        if envelope.seq == pc.last.seq + 1 and envelope.previous != pc.last.digest:
            pc.conflict = pc.conflict or self.now
        self.position += 1
        pc.last = State(envelope.seq, envelope.digest, [])
        pc.sent[envelope.seq] = signed
        pc.said.append((self.now, facts))
        return Outcome.ACCEPTED

    @precondition(lambda self: self.pcs)
    @rule(which=st.integers(0, 99))
    def revoke(self, which: int) -> None:
        pc = self.pick(which)
        self.write(lambda c: agents.change(c, pc.id, revoked_at=self.now))
        pc.revoked = self.now

    @precondition(lambda self: self.pcs)
    @rule(which=st.integers(0, 99))
    def approve(self, which: int) -> None:
        pc = self.pick(which)
        if pc.approved is None:
            self.write(lambda c: agents.change(c, pc.id, approved_at=self.now))
            pc.approved = self.now

    @precondition(lambda self: self.pcs)
    @rule(which=st.integers(0, 99), key=st.integers(0, len(KEYS) - 1))
    def rotate(self, which: int, key: int) -> None:
        pc, new = self.pick(which), KEYS[key]

        def change(connection: Any) -> Any:
            old = keys.of_public(connection, pc.key.public)
            assert old is not None
            asked = keys.Rotation(
                agent=pc.id,
                public_key=new.public,
                predecessor=old.number,
                body=b"{}",
                signature=b"new",
                predecessor_signature=b"old",
            )
            return keys.rotate(connection, asked, self.now)

        known = {one.key.public for one in self.pcs} | {
            bytes.fromhex(public) for one in self.pcs for public in one.ended
        }
        done = self.write(change)
        if pc.revoked is not None:
            assert done is keys.Rotated.ENDED
        elif new.public in known:
            assert done is not keys.Rotated.DONE
        if done is keys.Rotated.FORKED and new.public not in known:
            pc.conflict = pc.conflict or self.now
        if done is keys.Rotated.DONE:
            pc.ended[pc.key.public.hex()] = self.now + keys.KEPT
            pc.key = new

    @precondition(lambda self: self.pcs)
    @rule(which=st.integers(0, 99), id=st.sampled_from(["AV-001", "NET-001"]), closed=st.booleans())
    def sweep(self, which: int, id: str, closed: bool) -> None:
        """What the sweeper remembers of one PC."""
        pc = self.pick(which)
        opened = self.now.replace(hour=0, minute=0)
        found = Finding(pc.id, id, "high", opened, opened, opened + timedelta(days=15), self.now if closed else None)
        self.write(lambda c: findings.save(c, [found]))
        self.write(lambda c: standings.save(c, {pc.id: id.encode()}, self.now))
        told = {one.pc: one.told for one in self.read(lambda c: standings.since(c, 0))}
        assert told[pc.id] == id.encode()
        self.read(lambda c: standings.unjudged(c, self.now + timedelta(minutes=1), None))

    @precondition(lambda self: self.position)
    @rule(days=st.integers(0, 20))
    def prune(self, days: int) -> None:
        self.steps += 1
        for database in self.databases:

            def run(job: Callable[[Any], Any], database: Database = database) -> Any:
                with database.write() as connection:
                    return job(connection)

            retention.prune(database, run, self.now - timedelta(days=days))
        self.read(last_of_chain)
        left = self.read(lambda c: [one.position for one in c.execute(history.select(history.reports.c.position))])
        if len(left) < self.position:
            self.pruned = True
            for pc in self.pcs:  # what is gone cannot be answered with its receipt any more
                kept = self.read(lambda c, pc=pc: {row.envelope.seq for row in history_of(c, pc.id)})
                pc.sent = {seq: signed for seq, signed in pc.sent.items() if seq in kept}

    @rule(back=st.sampled_from([0, 1, 60, 60 * 24 * 8, 60 * 24 * 40]))
    def look(self, back: int) -> None:
        """The whole office, now or as it was."""
        as_of = self.now - timedelta(minutes=back)
        seen = self.read(lambda c: history.subjects(c, WANTED, as_of))
        self.read(lambda c: findings.load(c, as_of))
        self.read(lambda c: (history.count(c), history.awaiting(c, as_of), history.pcs(c)))
        position, _ = self.read(last_of_chain)
        assert position == self.position
        if self.pruned:
            return
        expected = {}
        for pc in self.pcs:
            there = pc.approved is not None and pc.approved <= as_of and pc.enrolled <= as_of
            if there and (pc.revoked is None or pc.revoked > as_of):
                said = [one for one in pc.said if one[0] <= as_of]
                expected[pc.id] = said[-1] if said else None
        found = {
            one.pc.id: None if one.tables is None else (one.pc.last_report, one.tables["os_version"].rows[0].major - 10)
            for one in seen
        }
        assert found == expected
        assert {one.pc.id for one in seen if one.pc.conflict} == {
            pc.id for pc in self.pcs if pc.conflict is not None and pc.id in expected
        }


def history_of(connection: Any, agent: str) -> list[Any]:
    """The reports of a PC that are kept."""
    from muster_server.store.statements import of_agent

    return list(of_agent(connection, agent))


def test_sqlite_postgresql_and_the_model_give_the_same_answers(cluster: Any) -> None:
    Database.create(template := cluster.new_database()).close()
    name = template.split("/")[3].split("?")[0]

    class Ours(Machine):
        """With new databases made of one that has its tables."""

    monkey = pytest.MonkeyPatch()
    monkey.setattr(Database, "create", staticmethod(quick(Database.create, Database.open)))
    try:
        Ours.fresh = staticmethod(lambda: cluster.new_database(f"TEMPLATE {name}"))
        run_state_machine_as_test(
            Ours,
            settings=settings(
                max_examples=2000 if DEEP else 10,
                stateful_step_count=60 if DEEP else 30,
                # A short run says what it found as it found it: making it smaller would take as long as looking.
                phases=list(Phase) if DEEP else [Phase.generate],
                deadline=None,
                derandomize=not DEEP,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        monkey.undo()


def quick(create: Callable[[Any], Database], opened: Callable[[Any], Database]) -> Callable[[Any], Database]:
    """A new database that has its tables already is only opened."""
    return lambda address: create(address) if isinstance(address, Path) else opened(address)
