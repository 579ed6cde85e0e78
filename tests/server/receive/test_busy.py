"""What is told before a body is read, and what a key that is remembered is worth."""

from __future__ import annotations

import http.client
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy.exc import OperationalError

from muster_agent.sending.envelope import Envelope
from muster_agent.sending.home import State
from muster_agent.sending.report import SignedReport
from muster_agent.sending.send import headers_of
from muster_server.receive import app
from muster_server.receive.pressure import Pressure
from muster_server.receive.refusal import Refusal


@pytest.fixture
def receiver(server: Any) -> Any:
    """What answers behind the running server."""
    return server.receiver


def after(signed: SignedReport) -> State:
    """The state of a PC once ``signed`` is acknowledged."""
    envelope = Envelope.parse(signed.envelope)
    return State(envelope.seq, envelope.digest, signed.digests())


def announce(server: Any, signed: SignedReport, size: int) -> tuple[int, dict[str, str], dict[str, Any]]:
    """The headers of a report alone, and what is answered without a byte of its body."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.putrequest("POST", "/v1/reports")
        for name, value in {**headers_of(signed), "Content-Length": str(size)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, dict(response.headers), json.loads(response.read())
    finally:
        connection.close()


def test_a_server_with_too_much_in_work_says_so_before_the_body_comes(server: Any, receiver: Any) -> None:
    pc = server.pc()
    signed = pc.sign()
    receiver.pressure = Pressure(limit=len(signed.body) - 1)
    status, headers, said = announce(server, signed, len(signed.body))
    assert (status, said["error"]) == (503, "busy")
    assert 1 <= int({name.lower(): value for name, value in headers.items()}["retry-after"]) <= 11
    receiver.pressure = Pressure()
    assert pc.post(signed).status == 202
    assert (receiver.pressure.bytes, receiver.pressure.reports) == (0, 0)


def test_a_refused_report_gives_its_room_back(server: Any, receiver: Any) -> None:
    pc = server.pc()
    good = pc.sign()
    for bad in (replace(good, signature=b"\0" * 64), replace(good, body=b"x"), replace(good, envelope=b"x")):
        assert pc.post(bad).status in (400, 401)
    assert (receiver.pressure.bytes, receiver.pressure.reports, receiver._here) == (0, 0, 0)


def test_B05_a_body_that_is_announced_as_too_large_is_refused_unread(server: Any) -> None:
    status, _, said = announce(server, server.pc().sign(), 2 * 1024 * 1024 + 1)
    assert (status, said["error"]) == (413, "too_large")


def test_what_the_operator_refuses_for_now_is_refused_for_all(server: Any, receiver: Any) -> None:
    pc = server.pc()
    signed = pc.sign()
    receiver.refuse_when = lambda: Refusal(507, "storage_full", "less than 500 MB are free", 60)
    status, headers, said = announce(server, signed, len(signed.body))
    assert (status, said["error"]) == (507, "storage_full")
    assert {name.lower(): value for name, value in headers.items()}["retry-after"] == "60"
    receiver.refuse_when = lambda: None
    assert pc.post(signed).status == 202


def test_a_full_disk_is_507_and_the_next_report_gets_in(
    server: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    pc = server.pc()
    signed = pc.sign()
    original = sqlite3.OperationalError("database or disk is full")
    original.sqlite_errorcode = sqlite3.SQLITE_FULL

    def full(*given: Any) -> Any:
        raise OperationalError("INSERT", {}, original)

    with monkeypatch.context() as patched:
        patched.setattr(app, "accept_all", full)
        answer = pc.post(signed)
        assert (answer.status, answer.content["error"]) == (507, "storage_full")
    assert pc.post(signed).status == 202
    assert server.ask("SELECT count(*) FROM reports") == [(1,)]


def test_a_key_that_is_remembered_opens_nothing_once_it_is_revoked_or_ended(server: Any, receiver: Any) -> None:
    first, second = server.pc("first"), server.pc("second")
    signed = [pc.sign() for pc in (first, second)]
    assert [pc.post(one).status for pc, one in zip((first, second), signed, strict=True)] == [202, 202]
    for pc in (first, second):
        assert receiver.keyring.get(pc.enrolment.agent, pc.key.id) is not None
    with server.database.write() as connection:
        moment = "2026-11-24T00:00:00.000000Z"
        agent, other = first.enrolment.agent, second.enrolment.agent
        connection.exec_driver_sql(f"UPDATE agents SET revoked_at = '{moment}' WHERE id = '{agent}'")
        connection.exec_driver_sql(f"UPDATE keys SET until = '{moment}' WHERE agent = '{other}'")
    assert first.post(first.sign(last=after(signed[0]))).status == 403
    assert second.post(second.sign(last=after(signed[1]))).status == 403
    assert first.post(signed[0]).status == 403
    assert server.ask("SELECT count(*) FROM reports") == [(2,)]


def test_a_server_that_starts_learns_the_keys_of_all_at_once(start: Any) -> None:
    pcs = [start().pc(f"pc{number}") for number in range(3)]
    server = start()
    for pc in pcs:
        pc.enrolment = replace(pc.enrolment, server=server.url)
    assert pcs[0].post(pcs[0].sign()).status == 202
    assert len(server.receiver.keyring) == 3


def test_a_pc_is_told_to_change_its_key_only_when_somebody_asked(server: Any) -> None:
    pc = server.pc()
    first = pc.sign()
    assert "rekey" not in pc.post(first).content
    with server.database.write() as connection:
        connection.exec_driver_sql("UPDATE agents SET rekey_at = '2026-11-24T00:00:00.000000Z'")
    assert pc.post(pc.sign(last=after(first))).content["rekey"] is True


def test_a_large_body_is_checked_as_a_small_one_is(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pc = server.pc()
    small = pc.sign()
    assert pc.post(small).status == 202
    monkeypatch.setattr(app, "SMALL", 0)
    large = pc.sign(pc.tables(major=13), last=after(small))
    assert pc.post(large).status == 202
    from muster_agent.canonical import digest

    for body, status in ((b"no gzip", 400), (b"", 400)):
        envelope = replace(Envelope.parse(large.envelope), seq=3, body=digest(body)).to_bytes()
        assert pc.post(SignedReport(envelope, pc.key.sign(envelope), body)).status == status
    assert server.ask("SELECT count(*) FROM reports") == [(2,)]


def test_the_same_bytes_are_checked_once_and_never_without_their_signature(
    server: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pc = server.pc()
    first = pc.sign()
    assert pc.post(first).status == 202
    assert len(receiver.unchanged) == 0, "it carries rows"
    second = pc.sign(last=after(first))
    assert pc.post(second).status == 202
    assert len(receiver.unchanged) == 1
    third = pc.sign(last=after(second))
    assert third.body == second.body
    monkeypatch.setattr(app, "unpacked_to", lambda packed, limit: pytest.fail("it was unpacked again"))
    for bad in (replace(third, signature=b"\0" * 64), replace(third, body=first.body), replace(third, body=b"")):
        assert pc.post(bad).status in (400, 401)
    assert pc.post(third).status == 202
    stored = server.stored()
    assert [one.signed for one in stored] == [first, second, third]
    assert stored[1].manifest == stored[2].manifest


@pytest.mark.parametrize(
    "said", ["9999-12-31T23:59:59Z", "1601-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "2016-12-31T23:59:60Z"]
)
def test_B20_a_pc_is_as_fresh_as_the_servers_clock_says(server: Any, said: str) -> None:
    from datetime import UTC, datetime, timedelta

    pc = server.pc()
    envelope = replace(Envelope.parse(pc.sign().envelope), collected_at=said).to_bytes()
    signed = SignedReport(envelope, pc.key.sign(envelope), pc.sign().body)
    assert pc.post(signed).status == 202
    [stored] = server.stored()
    assert stored.signed == signed, "kept as it was said"
    [(fresh,)] = server.ask("SELECT last_report FROM agents")
    assert abs(datetime.fromisoformat(fresh) - datetime.now(UTC)) < timedelta(minutes=2)


def test_what_is_counted(server: Any, receiver: Any) -> None:
    pc = server.pc()
    signed = pc.sign()
    pc.post(signed)
    pc.post(signed)
    pc.post(pc.sign(pc.tables(major=11)))
    pc.post(replace(signed, signature=b"\0" * 64))
    metrics = receiver.metrics
    counted = [metrics.reports.value(name) for name in ("accepted", "duplicate", "conflict")]
    assert counted == [1, 1, 1]
    assert metrics.refusals.value("unauthorised") == 1
    assert metrics.refusals.value("conflict") == 1
    assert metrics.enrolments.value() == 1
    assert metrics.body_bytes.value() > 3 * len(signed.body)
    assert metrics.batch.count() == metrics.commit_seconds.count() >= 3
