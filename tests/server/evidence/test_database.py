"""The check of a whole database: all is well where all is well, and everything an intruder does shows."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from muster_server.evidence import database as evidence
from muster_server.evidence.database import Verified
from muster_server.store.evidence import Head
from muster_server.store.reports import Outcome


def verify(filled: Any, **more: Any) -> Verified:
    """As the command does."""
    with filled.database.read() as connection:
        return evidence.verify(connection, **more)


def where(address: Path | str) -> str | None:
    """The database to create a deployment with."""
    return address if isinstance(address, str) else None


def test_a_database_nobody_touched(filling: Any, tmp_path: Path, address: Path | str) -> None:
    filled = filling.filled(tmp_path / "data", 4, 5, database=where(address))
    told: list[tuple[int, int]] = []
    found = verify(filled, progress=lambda done, total: told.append((done, total)))
    assert found.findings.sound, found.findings.wrong
    assert found.findings.checked["reports"] == 20 and told[-1] == (20, 20)
    assert found.findings.gaps == [] and found.begins.position == 0
    assert verify(filled, noted=found.head).findings.sound
    filled.day(5)
    assert verify(filled, noted=found.head, processes=2).findings.sound, "it goes on from the head that was noted"
    filled.close()


def test_scorecard_4_tampering_is_noticed(tampering: Any, tmp_path: Path) -> None:
    results = list(tampering.trials(tampering.make(tmp_path), 90, seed=1))
    missed = Counter(kind for kind, noticed in results if not noticed)
    assert missed == Counter() and len(results) == 90


def test_what_only_a_head_noted_elsewhere_notices(tampering: Any, tmp_path: Path) -> None:
    engine = tampering.opened(tampering.make(tmp_path))
    with engine.connect() as connection:
        with connection.begin():
            head = evidence.verify(connection, processes=1).head
        for change in tampering.WITH_HEAD:
            transaction = connection.begin()
            change(connection, tampering.random.Random(1))
            alone = evidence.verify(connection, processes=1).findings
            held = evidence.verify(connection, noted=head, processes=1).findings
            transaction.rollback()
            assert alone.sound, change  # if this ever fails, the docs may promise more
            assert [one.code for one in held.wrong] in (["head_beyond"], ["head_differs"])
    engine.dispose()


def test_gaps_are_named_and_are_not_wrong(filling: Any, tmp_path: Path) -> None:
    filled = filling.filled(tmp_path / "data", 2, 2)
    pc, at = filled.pcs[0], filling.START + timedelta(days=3)
    for _ in range(3):
        pc.sign(at)  # never sent: the spool dropped them
    filled.take([pc.sign(at)], at)
    found = verify(filled).findings
    assert found.sound
    assert [(gap.agent, gap.first, gap.last) for gap in found.gaps] == [(pc.agent, 3, 5)]
    assert found.missing == 3
    filled.close()


def test_B81_a_fork_and_a_conflict_are_named_and_are_not_wrong(filling: Any, tmp_path: Path) -> None:
    filled = filling.filled(tmp_path / "data", 1, 2)
    pc, at = filled.pcs[0], filling.START + timedelta(days=3)
    copy = filling.PC(pc.agent, pc.key, "copy", pc.last)
    one, other = pc.sign(at), copy.sign(at + timedelta(hours=1))
    later = copy.sign(at + timedelta(hours=2))
    outcomes = [filled.take([each], at)[0].outcome for each in (one, other, later)]
    assert outcomes == [Outcome.ACCEPTED, Outcome.CONFLICT, Outcome.ACCEPTED]
    found = verify(filled).findings
    assert found.sound, found.wrong
    assert found.forks == [(pc.agent, 4)] and found.checked["conflicts"] == 1
    filled.close()


@pytest.mark.parametrize(
    ("statement", "codes"),
    [
        ("UPDATE keys SET request = x'7b7d' WHERE number = 1", {"key", "key_signature"}),
        ("UPDATE keys SET id = '0123456789abcdef' WHERE number = 1", {"key", "signature", "chain"}),
        ("UPDATE keys SET token = NULL WHERE number = 1", {"key"}),
        ("UPDATE audit SET entry = x'7b7d' WHERE position = 2", {"audit"}),
        ("UPDATE agents SET last_digest = 'x' WHERE number = 1", {"last_report"}),
        ("INSERT INTO pruned VALUES (2, x'00', '2026-01-01T00:00:00.000000Z')", {"pruned_unlogged", "chain"}),
        ("DELETE FROM boots", {"unreadable"}),
        ("UPDATE intervals SET last_seq = 1", {"history"}),
    ],
)
def test_what_is_wrong_is_named(filling: Any, tampering: Any, tmp_path: Path, statement: str, codes: set[str]) -> None:
    filling.filled(tmp_path / "data", 2, 3).close()
    engine = tampering.opened(tmp_path / "data" / "muster.db")
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("DROP TRIGGER audit_keeps")
        connection.exec_driver_sql(statement)
        found = evidence.verify(connection, processes=1).findings
        assert codes <= {one.code for one in found.wrong}, found.wrong
    engine.dispose()


def test_a_head_of_another_chain_is_told_from_one_that_has_passed(filling: Any, tmp_path: Path) -> None:
    filled = filling.filled(tmp_path / "data", 1, 3)
    codes = [
        [one.code for one in verify(filled, noted=Head(position, "0" * 64)).findings.wrong] for position in (0, 2, 9)
    ]
    assert codes == [[], ["head_differs"], ["head_beyond"]]
    filled.close()
