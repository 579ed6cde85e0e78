"""What becomes of a report at the door: the decision table, and what is refused before anything is stored."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from muster_agent.canonical import canonical, digest
from muster_agent.sending.envelope import FIRST, Envelope, Receipt, chain_head
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey, verify
from muster_agent.sending.report import SignedReport
from muster_agent.sending.send import receipt_of


def after(signed: SignedReport) -> State:
    """The state of a PC once ``signed`` is acknowledged."""
    envelope = Envelope.parse(signed.envelope)
    return State(envelope.seq, envelope.digest, signed.digests())


def resigned(pc: Any, plain: bytes, packed: bytes | None = None) -> SignedReport:
    """A report with a body of the test's own, properly signed."""
    body = gzip.compress(plain) if packed is None else packed
    envelope = replace(Envelope.parse(pc.sign().envelope), body=digest(body))
    return SignedReport(envelope.to_bytes(), pc.key.sign(envelope.to_bytes()), body)


def plain(pc: Any) -> dict[str, Any]:
    """The content of the PC's next report."""
    content: dict[str, Any] = json.loads(gzip.decompress(pc.sign().body))
    return content


# -- the decision table ----------------------------------------------------------------------------------------------


def test_a_report_is_stored_and_answered_with_a_receipt_that_names_it(server: Any) -> None:
    pc = server.pc()
    signed = pc.sign()
    answer = pc.post(signed)
    assert answer.status == 202
    receipt = receipt_of(answer, Envelope.parse(signed.envelope), pc.enrolment.server_key)
    assert receipt is not None
    assert (receipt.seq, receipt.position) == (1, 1)
    assert receipt.chain == chain_head(FIRST, receipt.report, receipt.received_at)
    [stored] = server.stored()
    assert stored.signed == signed
    assert stored.receipt == receipt
    assert server.accepted == [pc.enrolment.agent]


def test_a_replay_is_answered_with_the_same_receipt_and_changes_nothing(server: Any) -> None:
    pc = server.pc()
    signed = pc.sign()
    first = pc.post(signed)
    again = pc.post(signed)
    assert again.status == 200
    assert dict(again.content) == dict(first.content)
    assert server.ask("SELECT count(*) FROM reports") == [(1,)]


def test_an_unchanged_pc_sends_no_rows_and_lengthens_its_interval(server: Any) -> None:
    pc = server.pc()
    first = pc.sign()
    pc.post(first)
    second = pc.sign(last=after(first))
    assert json.loads(gzip.decompress(second.body))["bodies"] == {}
    assert pc.post(second).status == 202
    assert server.ask("SELECT first_seq, last_seq FROM intervals") == [(1, 2)]
    changed = pc.sign(pc.tables(major=13), last=after(second))
    assert len(json.loads(gzip.decompress(changed.body))["bodies"]) == 1
    assert pc.post(changed).status == 202
    assert server.ask("SELECT first_seq, last_seq FROM intervals ORDER BY id") == [(1, 2), (3, 3)]


def test_a_number_used_twice_is_a_conflict_and_both_reports_are_kept(server: Any) -> None:
    pc = server.pc()
    pc.post(pc.sign())
    other = pc.sign(pc.tables(major=11))
    assert pc.post(other).status == 409
    assert pc.post(other).status == 409
    assert server.ask("SELECT seq, envelope FROM conflicts") == [(1, other.envelope)]
    assert server.ask("SELECT conflict_at IS NOT NULL FROM agents") == [(1,)]


def test_the_copy_of_a_disk_is_noticed_at_its_first_report(server: Any) -> None:
    pc = server.pc()
    first = pc.sign()
    pc.post(first)
    pc.post(pc.sign(pc.tables(major=13), last=after(first)))
    copy = pc.sign(pc.tables(major=11), last=after(first))
    assert pc.post(copy).status == 409
    next_of_copy = pc.sign(pc.tables(major=11), last=after(copy))
    assert pc.post(next_of_copy).status == 202
    assert server.ask("SELECT conflict_at IS NOT NULL FROM agents") == [(1,)]


def test_a_gap_is_accepted_and_recorded(server: Any) -> None:
    pc = server.pc()
    first = pc.sign()
    pc.post(first)
    assert pc.post(pc.sign(last=State(5, "a" * 64))).status == 202
    assert server.ask("SELECT seq FROM reports ORDER BY position") == [(1,), (6,)]


def test_rows_that_the_server_lacks_are_asked_for(server: Any) -> None:
    pc = server.pc()
    named = sorted(pc.sign().digests())
    answer = pc.post(pc.sign(last=State(0, FIRST, named)))
    assert answer.status == 202
    assert answer.content["missing"] == named


def test_the_chain_holds_every_report_of_every_pc(server: Any) -> None:
    head = FIRST
    for number in range(3):
        pc = server.pc(f"pc{number}")
        pc.post(pc.sign())
    for one in server.stored():
        head = chain_head(head, one.envelope.digest, one.receipt.received_at)
        assert one.chain == head, one.position


# -- who may speak ---------------------------------------------------------------------------------------------------


def test_every_credential_that_does_not_hold_gets_the_same_answer(server: Any) -> None:
    pc = server.pc()
    good = pc.sign()
    envelope = Envelope.parse(good.envelope)
    stranger = SigningKey.generate()
    unknown = replace(envelope, agent="00000000-0000-4000-8000-000000000000").to_bytes()
    other_key = replace(envelope, key=stranger.id).to_bytes()
    later = replace(envelope, seq=9).to_bytes()
    answers = [
        pc.post(replace(good, signature=stranger.sign(good.envelope))),
        pc.post(replace(good, envelope=later)),
        pc.post(replace(good, envelope=unknown, signature=pc.key.sign(unknown))),
        pc.post(replace(good, envelope=other_key, signature=stranger.sign(other_key))),
        pc.post(replace(good, signature=b"\0" * 64)),
        pc.post(replace(good, signature=good.signature[:-1])),
    ]
    assert {answer.status for answer in answers} == {401}
    assert len({tuple(sorted(answer.content.items())) for answer in answers}) == 1
    assert server.ask("SELECT count(*) FROM reports") == [(0,)]


def test_a_report_cannot_speak_for_another_pc(server: Any) -> None:
    mine, other = server.pc("mine"), server.pc("other")
    envelope = replace(Envelope.parse(mine.sign().envelope), agent=other.enrolment.agent)
    forged = SignedReport(envelope.to_bytes(), mine.key.sign(envelope.to_bytes()), mine.sign().body)
    assert mine.post(forged).status == 401


def test_a_body_that_was_changed_on_the_way_is_refused(server: Any) -> None:
    pc = server.pc()
    signed = pc.sign()
    assert pc.post(replace(signed, body=gzip.compress(b"{}"))).status == 400


def test_a_revoked_agent_is_told_so(server: Any) -> None:
    pc = server.pc()
    with server.database.write() as connection:
        connection.exec_driver_sql("UPDATE agents SET revoked_at = '2026-11-24T00:00:00.000000Z'")
    assert pc.post(pc.sign()).status == 403


# -- what a body must be ---------------------------------------------------------------------------------------------


def test_B01_a_bomb_is_stopped_at_the_limit(server: Any) -> None:
    pc = server.pc()
    assert pc.post(resigned(pc, b" " * (50 * 1024 * 1024))).status == 413


def test_B03_gzip_must_be_one_whole_stream(server: Any) -> None:
    pc = server.pc()
    packed = gzip.compress(canonical(plain(pc)))
    for bad in (packed + packed, packed + b"x", packed[:-1], b"", b"not gzip"):
        assert pc.post(resigned(pc, b"", bad)).status == 400, bad[:10]


def test_B04_only_gzip_is_an_encoding(server: Any) -> None:
    pc = server.pc()
    for encoding in ("identity", "zstd", "gzip, gzip", ""):
        assert pc.post(pc.sign(), **{"Content-Encoding": encoding}).status == 415, encoding


def test_a_body_over_the_size_limit_is_refused(server: Any) -> None:
    pc = server.pc()
    assert pc.post(resigned(pc, b"", b"\0" * (2 * 1024 * 1024 + 1))).status == 413


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"[" * 100_000, id="B10-depth"),
        pytest.param(b'{"a":' * 5_000 + b"1" + b"}" * 5_000, id="B10-depth-closed"),
        pytest.param(b'{"a":NaN}', id="B11-nan"),
        pytest.param(b'{"a":1e400}', id="B11-infinity"),
        pytest.param(b'{"a":' + b"9" * 5_000 + b"}", id="B12-digits"),
        pytest.param(b'{"a":1,"a":2}', id="B13-duplicate-key"),
        pytest.param(b'{"a":"\\ud800"}', id="B14-surrogate"),
        pytest.param('{"a":1}'.encode("utf-16"), id="B19-utf-16"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="B19-bom"),
        pytest.param(b'{"a":"\xc0\xaf"}', id="B19-overlong"),
        pytest.param(b'{ "a": 1}', id="blanks"),
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
    ],
)
def test_json_that_is_not_canonical_or_not_a_report_is_refused(server: Any, broken: bytes) -> None:
    pc = server.pc()
    answer = pc.post(resigned(pc, broken))
    assert answer.status in (400, 422)
    assert set(answer.content) == {"error", "detail"}
    assert server.ask("SELECT count(*) FROM reports") == [(0,)]


def _rows_changed(content: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The report with one row of os_version replaced, and its digest made right."""
    entry = content["manifest"]["tables"]["os_version"]
    del content["bodies"][entry["digest"]]
    entry["digest"] = digest(canonical([row]))
    content["bodies"][entry["digest"]] = [row]
    return content


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"name": 5}, id="B17-number-for-text"),
        pytest.param({"major": "12"}, id="B18-text-for-number"),
        pytest.param({"major": True}, id="B18-bool-for-number"),
        pytest.param({"major": 1.5}, id="fraction"),
        pytest.param({"major": None}, id="null"),
        pytest.param({"name": ["x"]}, id="list"),
        pytest.param({"name": "a\0b"}, id="B15-nul"),
        pytest.param({"name": "x" * 10_001}, id="B16-long-text"),
        pytest.param({"major": 2**63}, id="B12-beyond-63-bits"),
        pytest.param({"Na me": "x"}, id="column-name"),
    ],
)
def test_a_row_of_the_wrong_type_is_refused_with_its_place(server: Any, row: dict[str, Any]) -> None:
    pc = server.pc()
    answer = pc.post(resigned(pc, canonical(_rows_changed(plain(pc), row))))
    assert answer.status == 422
    assert answer.content["detail"]


def test_a_column_of_a_newer_agent_is_kept_and_not_read(server: Any) -> None:
    pc = server.pc()
    assert pc.post(resigned(pc, canonical(_rows_changed(plain(pc), {"name": "x", "later": "y"})))).status == 202


def test_rows_must_be_those_of_their_digest_and_named_by_the_manifest(server: Any) -> None:
    pc = server.pc()
    swapped = plain(pc)
    first = next(iter(swapped["bodies"]))
    swapped["bodies"][first] = [{"name": "another"}]
    extra = plain(pc)
    extra["bodies"]["f" * 64] = []
    silent = plain(pc)
    del silent["manifest"]["tables"]["boot"]["digest"]
    liar = plain(pc)
    liar["manifest"]["tables"]["boot"]["status"] = "denied"
    older = {**plain(pc), "schema": 2}
    for content in (swapped, extra, silent, liar, older, {**plain(pc), "more": 1}):
        assert pc.post(resigned(pc, canonical(content))).status == 422


def test_every_flipped_bit_of_an_envelope_or_signature_is_noticed(server: Any) -> None:
    pc = server.pc()
    signed = pc.sign()
    for name, data in (("envelope", signed.envelope), ("signature", signed.signature)):
        for at in range(0, len(data), 7):
            flipped = bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]])
            assert pc.post(replace(signed, **{name: flipped})).status in (400, 401), (name, at)
    assert server.ask("SELECT count(*) FROM reports") == [(0,)]


def test_a_receipt_for_another_report_or_by_another_server_is_none(server: Any) -> None:
    pc = server.pc()
    first = pc.sign()
    answer = pc.post(first)
    second = pc.sign(last=after(first))
    assert receipt_of(answer, Envelope.parse(second.envelope), pc.enrolment.server_key) is None
    assert receipt_of(answer, Envelope.parse(first.envelope), SigningKey.generate().public.hex()) is None
    data = base64.b64decode(answer.text("receipt"))
    assert verify(server.key.public, base64.b64decode(answer.text("signature")), data)
    assert Receipt.parse(data).agent == pc.enrolment.agent
