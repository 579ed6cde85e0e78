"""Tables the store is known to have are not packed again; where that is wrong, nothing is lost by it."""

from __future__ import annotations

from typing import Any

from muster_agent.facts import Package, Table
from muster_agent.sending.envelope import Envelope
from muster_agent.sending.home import State
from muster_server.receive.stored import StoredTables


def large(pc: Any) -> Any:
    """Facts whose body is too large to be checked in passing."""
    packages = tuple(Package(name=f"package{n * n}", version=f"{n}.{n % 7}") for n in range(6000))
    return {**pc.tables(), "packages": Table(packages)}


def test_what_two_pcs_have_alike_is_stored_once_and_read_for_both(server: Any) -> None:
    first, second = server.pc("one"), server.pc("two")
    assert first.post(first.sign(large(first))).status == 202
    assert len(server.receiver.stored) >= 3
    answer = second.post(second.sign(large(second)))
    assert (answer.status, answer.content["missing"]) == (202, [])
    assert {one.envelope.agent for one in server.stored()} == {first.enrolment.agent, second.enrolment.agent}


def test_a_table_that_was_pruned_since_comes_with_the_next_report(server: Any) -> None:
    pc = server.pc()
    server.receiver.stored.add(pc.sign(large(pc)).digests())  # as if the store still had them
    signed = pc.sign(large(pc))
    answer = pc.post(signed)
    assert answer.status == 202
    missing = answer.content["missing"]
    assert missing == sorted(signed.digests())
    again = pc.sign(large(pc), State(1, Envelope.parse(signed.envelope).digest, []))
    answer = pc.post(again)
    assert (answer.status, answer.content["missing"]) == (202, [])


def test_the_first_to_come_is_the_first_to_go() -> None:
    stored = StoredTables(2)
    stored.add(["a", "b", "c"])
    assert ["a" in stored, "b" in stored, "c" in stored, len(stored)] == [False, True, True, 2]
    stored.forget(["b", "x"])
    assert "b" not in stored
