"""The decision table of security.md §2.4, line by line, in a transaction of its own and within one batch, on both
databases: reports that come together are answered as if they had come one after the other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from muster_agent.canonical import canonical, digest
from muster_agent.sending.envelope import FIRST, Envelope, chain_head
from muster_agent.sending.keys import SigningKey, verify
from muster_agent.sending.report import ENCODING, SignedReport
from muster_server.store.database import Database
from muster_server.store.reports import Accepted, Incoming, Outcome, accept_all, packed
from muster_server.store.schema import agents, bodies, conflicts, intervals, keys, reports
from muster_server.store.statements import everything, stored

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SERVER = SigningKey.generate()
PC_KEY = SigningKey.generate()  # the store takes reports whose signatures were checked; one key will do for all
ACCEPTED, DUPLICATE, CONFLICT, REVOKED = Outcome


@dataclass
class Pc:
    """One PC's chain."""

    number: int
    seq: int = 0
    previous: str = FIRST

    @property
    def id(self) -> str:
        """Its agent."""
        return f"00000000-0000-4000-8000-{self.number:012x}"

    @property
    def public(self) -> str:
        """What the database has for its public key."""
        return digest(str(self.number).encode())

    def report(
        self, says: int = 0, seq: int | None = None, previous: str | None = None, carry: bool = True
    ) -> Incoming:
        """A report; without ``seq`` and ``previous`` the next of its chain."""
        goes_on = seq is None and previous is None
        rows = canonical([{"major": says}])
        manifest = canonical({"tables": {"os_version": {"digest": digest(rows), "status": "ok"}}})
        body = manifest + (rows if carry else b"")
        envelope = Envelope(
            agent=self.id,
            key=self.public[:16],
            seq=self.seq + 1 if seq is None else seq,
            previous=self.previous if previous is None else previous,
            boot=f"boot-{self.number}",
            collected_at="2026-11-24T07:59:00Z",
            encoding=ENCODING,
            body=digest(body),
        )
        data = envelope.to_bytes()
        if goes_on:
            self.seq, self.previous = envelope.seq, digest(data)
        carried = {digest(rows): packed(rows)} if carry else {}
        signed = SignedReport(data, PC_KEY.sign(data), body)
        names = frozenset({digest(rows)})
        return Incoming(signed, envelope, self.number, manifest, digest(manifest), names, carried, None)


@dataclass
class Store:
    """A database with PCs in it, and how reports get in: each in its own transaction, or all in one."""

    database: Database
    together: bool
    pcs: list[Pc] = field(default_factory=list)

    def pc(self) -> Pc:
        """Another PC."""
        pc = Pc(len(self.pcs) + 1)
        self.pcs.append(pc)
        with self.database.write() as connection:
            connection.execute(
                insert(agents).values(
                    id=pc.id,
                    number=pc.number,
                    name="pc",
                    unit="x",
                    tags="[]",
                    enrolled_at=NOW,
                    approved_at=NOW,
                    last_seq=0,
                    last_digest=FIRST,
                )
            )
            connection.execute(
                insert(keys).values(
                    number=pc.number,
                    id=pc.public[:16],
                    agent=pc.id,
                    public_key=pc.public,
                    request=b"",
                    request_signature=b"",
                    since=NOW,
                )
            )
        return pc

    def take(self, *incoming: Incoming, at: datetime = NOW) -> list[Accepted]:
        """Let reports in, in their order."""
        batches = [incoming] if self.together else [[one] for one in incoming]
        done: list[Accepted] = []
        for batch in batches:
            with self.database.write() as connection:
                done += accept_all(connection, batch, at, SERVER.sign)
        return done

    def rows(self, query: Any) -> list[Any]:
        """Rows of the database."""
        with self.database.read() as connection:
            return list(connection.execute(query))

    def whole(self) -> None:
        """The chain holds every report, and each is given back byte for byte."""
        head = FIRST
        for position, row in enumerate(self.rows(everything().order_by(reports.c.position)), 1):
            one = stored(row)
            head = chain_head(head, one.envelope.digest, one.receipt.received_at)
            assert (one.position, one.chain) == (position, head)


@pytest.fixture(params=["one by one", "in one batch"])
def store(request: pytest.FixtureRequest, address: Path | str) -> Iterator[Store]:
    """An empty one."""
    database = Database.create(address)
    made = Store(database, request.param == "in one batch")
    yield made
    made.whole()
    database.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database in one file, to be copied: making one takes longer than all that is done with it."""
    path = tmp_path_factory.mktemp("empty") / "muster.db"
    Database.create(path).close()
    return path


def outcomes(done: list[Accepted]) -> list[Outcome]:
    """What became of each."""
    return [one.outcome for one in done]


def test_B80_the_next_report_of_a_chain_is_accepted_with_a_receipt_that_names_it(store: Store) -> None:
    pc, other = store.pc(), store.pc()
    sent = [pc.report(1), other.report(1), pc.report(1), pc.report(2), other.report(1)]
    done = store.take(*sent)
    assert outcomes(done) == [ACCEPTED] * 5
    for position, (one, answer) in enumerate(zip(sent, done, strict=True), 1):
        assert answer.receipt is not None
        assert (answer.receipt.agent, answer.receipt.seq) == (one.envelope.agent, one.envelope.seq)
        assert (answer.receipt.report, answer.receipt.position) == (one.envelope.digest, position)
        assert verify(SERVER.public, answer.signature, answer.receipt.to_bytes())
    assert store.rows(
        select(intervals.c.agent, intervals.c.first_seq, intervals.c.last_seq).order_by(intervals.c.id)
    ) == [
        (pc.id, 1, 2),
        (other.id, 1, 2),
        (pc.id, 3, 3),
    ]
    assert store.rows(select(agents.c.last_seq, agents.c.conflict_at).order_by(agents.c.number)) == [
        (3, None),
        (2, None),
    ]
    assert len(store.rows(select(bodies))) == 2


def test_B80_the_same_report_a_hundred_times_is_answered_with_the_same_bytes(store: Store) -> None:
    pc = store.pc()
    first, second = pc.report(1), pc.report(2)
    done = store.take(first, second, *[first] * 50, *[second] * 50)
    assert outcomes(done) == [ACCEPTED] * 2 + [DUPLICATE] * 100
    later = store.take(first, second, at=NOW + timedelta(days=3))
    assert outcomes(later) == [DUPLICATE] * 2
    for answers in ([done[0], *done[2:52], later[0]], [done[1], *done[52:], later[1]]):
        assert len({(one.receipt.to_bytes(), one.signature) for one in answers if one.receipt}) == 1
    assert len(store.rows(select(reports))) == 2
    assert store.rows(select(agents.c.conflict_at)) == [(None,)]


def test_B80_another_report_of_a_used_number_is_a_conflict_kept_once_and_not_counted(store: Store) -> None:
    pc, other = store.pc(), store.pc()
    first = pc.report(1)
    clone = pc.report(7, seq=1, previous=FIRST)
    done = store.take(first, other.report(1), clone, clone, first, pc.report(2))
    assert outcomes(done) == [ACCEPTED, ACCEPTED, CONFLICT, CONFLICT, DUPLICATE, ACCEPTED]
    assert done[2].receipt is None
    kept = store.rows(select(conflicts.c.seq, conflicts.c.envelope, conflicts.c.signature, conflicts.c.body))
    assert kept == [(1, clone.signed.envelope, clone.signed.signature, clone.signed.body)]
    assert store.rows(select(agents.c.conflict_at).order_by(agents.c.number)) == [(NOW,), (None,)]
    assert store.take(clone, at=NOW + timedelta(hours=1))[0].outcome is CONFLICT
    assert len(store.rows(select(conflicts))) == 1
    assert store.rows(select(agents.c.conflict_at).order_by(agents.c.number)) == [(NOW,), (None,)], "when first seen"


def test_B80_a_number_far_ahead_is_accepted_and_what_lies_between_stays_missing(store: Store) -> None:
    pc = store.pc()
    done = store.take(pc.report(1), pc.report(2, seq=10**9, previous="a" * 64))
    assert outcomes(done) == [ACCEPTED] * 2
    assert store.rows(select(reports.c.seq).order_by(reports.c.position)) == [(1,), (10**9,)]
    assert store.rows(select(agents.c.last_seq, agents.c.conflict_at)) == [(10**9, None)]


def test_B80_a_number_that_was_counted_as_missing_is_a_conflict(store: Store) -> None:
    pc = store.pc()
    done = store.take(pc.report(1, seq=5, previous="a" * 64), pc.report(1, seq=3, previous="b" * 64))
    assert outcomes(done) == [ACCEPTED, CONFLICT]
    assert store.rows(select(reports.c.seq)) == [(5,)]


def test_B80_the_next_number_that_follows_another_report_marks_the_pc(store: Store) -> None:
    pc = store.pc()
    done = store.take(pc.report(1), pc.report(2, seq=2, previous="c" * 64))
    assert outcomes(done) == [ACCEPTED] * 2
    assert store.rows(select(agents.c.conflict_at)) == [(NOW,)]


def test_B80_a_revoked_pc_and_an_ended_key_get_nothing_in(store: Store) -> None:
    revoked, ended, good = store.pc(), store.pc(), store.pc()
    before = [revoked.report(1), ended.report(1)]
    store.take(*before)
    with store.database.write() as connection:
        connection.execute(update(agents).where(agents.c.id == revoked.id).values(revoked_at=NOW))
        connection.execute(update(keys).where(keys.c.agent == ended.id).values(until=NOW))
    done = store.take(revoked.report(2), ended.report(2), good.report(1), *before)
    assert outcomes(done) == [REVOKED, REVOKED, ACCEPTED, REVOKED, REVOKED]
    assert [one.receipt for one in done if one.outcome is REVOKED] == [None] * 4
    assert len(store.rows(select(reports))) == 3
    assert store.rows(select(conflicts)) == []


def test_B80_a_key_that_ends_later_still_holds(store: Store) -> None:
    pc = store.pc()
    with store.database.write() as connection:
        connection.execute(update(keys).values(until=NOW + timedelta(days=7)))
    assert outcomes(store.take(pc.report(1))) == [ACCEPTED]
    assert outcomes(store.take(pc.report(1), at=NOW + timedelta(days=7))) == [REVOKED]


def test_rows_that_are_missing_are_asked_for_until_anybody_brings_them(store: Store) -> None:
    pc, other = store.pc(), store.pc()
    [done] = store.take(pc.report(4, carry=False))
    assert done.missing == tuple(pc.report(4).digests)
    pc.seq, pc.previous = 1, done.receipt.report if done.receipt else ""
    answers = store.take(other.report(4), pc.report(4, carry=False))
    assert [one.missing for one in answers] == [(), ()]


def test_a_pc_is_asked_for_another_key_only_when_an_administrator_did(store: Store) -> None:
    pc, other = store.pc(), store.pc()
    with store.database.write() as connection:
        connection.execute(update(agents).where(agents.c.id == pc.id).values(rekey_at=NOW))
    first = pc.report(1)
    done = store.take(first, other.report(1), first)
    assert [one.rekey for one in done] == [True, False, True]


_steps = st.lists(
    st.tuples(st.integers(0, 1), st.integers(1, 4), st.sampled_from(["next", "other", "again"]), st.integers(0, 2)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_steps, st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_however_reports_are_batched_the_answers_and_the_rows_are_the_same(
    empty: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str, int]], cuts: list[int]
) -> None:
    def run(sizes: Callable[[], Iterator[int]]) -> tuple[list[Accepted], list[list[Any]]]:
        path = tmp_path_factory.mktemp("batched") / "muster.db"
        shutil.copy(empty, path)
        database = Database.open(path)
        made = Store(database, True)
        pcs = [made.pc(), made.pc()]
        incoming = []
        for which, seq, kind, says in steps:
            if kind == "next":
                incoming.append(pcs[which].report(says))
            elif kind == "other" or not incoming:
                incoming.append(pcs[which].report(says, seq=seq, previous=str(says) * 64))
            else:
                incoming.append(incoming[seq % len(incoming)])
        done: list[Accepted] = []
        numbers = sizes()
        while len(done) < len(incoming):
            done += made.take(*incoming[len(done) : len(done) + next(numbers)])
        made.whole()
        tables = (reports, intervals, conflicts, bodies)
        rows = [made.rows(select(table).order_by(*table.primary_key.columns)) for table in tables]
        rows.append(made.rows(select(agents.c.id, agents.c.last_seq, agents.c.last_digest, agents.c.conflict_at)))
        database.close()
        return done, rows

    def ones() -> Iterator[int]:
        while True:
            yield 1

    def some() -> Iterator[int]:
        while True:
            yield from cuts

    apart, together = run(ones), run(some)
    assert [one.receipt for one in apart[0]] == [one.receipt for one in together[0]]
    assert outcomes(apart[0]) == outcomes(together[0])
    assert apart[1] == together[1]
