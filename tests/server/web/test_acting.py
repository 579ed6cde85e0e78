"""Acts over HTTP: for administrators, bounded, logged under the reader's name, all or nothing."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest


def entries(office: Any) -> list[dict[str, Any]]:
    """The log."""
    found: list[dict[str, Any]] = office.get("/v1/audit?limit=5000").json["entries"]
    return found


def test_an_act_is_done_and_logged_under_the_readers_name(office: Any) -> None:
    answer = office.act("tokens.issue", '{"unit": "财务科", "uses": 2}'.encode())
    assert answer.status == 200
    token = answer.json["token"]
    [entry] = entries(office)[-1:]
    assert (entry["operator"], entry["act"], entry["sound"]) == ("reader:administrator", "tokens.issue", True)
    assert entry["detail"]["uses"] == 2
    assert token not in json.dumps(entries(office))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b"\xff\xfe{}", 400, "bad_json"),
        (b"\xef\xbb\xbf{}", 400, "bad_json"),
        (b'{"unit": NaN}', 400, "bad_json"),
        (b'{"unit": "\\ud800"}', 400, "bad_json"),
        (b'{"unit": "a", "unit": "b"}', 400, "bad_json"),
        (b"[" * 100_00 + b"]" * 100_00, 400, "bad_json"),
        (b'{"uses": ' + b"9" * 5000 + b"}", 400, "bad_json"),
        (b"[]", 422, "bad_request"),
        (b"null", 422, "bad_request"),
        (b'"unit"', 422, "bad_request"),
        (b"{}", 409, "unit_or_pc"),
        (b'{"unit": 5}', 422, "bad_request"),
        (b'{"unit": "a", "uses": true}', 422, "bad_request"),
        (b'{"unit": "a", "uses": "5"}', 422, "bad_request"),
        (b'{"unit": "a", "uses": 1e400}', 422, "bad_request"),
        (b'{"unit": "a", "uses": 0}', 422, "bad_request"),
        (b'{"unit": "a", "nothing": 1}', 422, "bad_request"),
        (b'{"unit": "' + b"a" * 101 + b'"}', 422, "bad_request"),
        (b'{"unit": "a\\u0000"}', 409, "bad_unit"),
        (b'{"unit": "a\\nb"}', 409, "bad_unit"),
        (b'{"unit": "' + b"a" * 70_000 + b'"}', 413, "too_large"),
    ],
)
def test_B10_B11_B12_B13_B14_B15_B16_B18_B19_what_is_asked_wrongly_is_refused_and_not_logged(
    office: Any, body: bytes, status: int, code: str
) -> None:
    before = entries(office)
    answer = office.act("tokens.issue", body)
    assert (answer.status, answer.json["error"]) == (status, code)
    assert entries(office) == before


def test_an_act_that_is_unknown_or_only_for_the_server_itself_is_not_there(office: Any) -> None:
    for name in ("nothing", "tls.record", "__class__", "..%2Ffields", "tokens", "tokens.issue%00", "TOKENS.ISSUE"):
        answer = office.act(name, b"{}")
        assert answer.status == 404, name


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_foreign_page_could_send_is_no_act(office: Any, kind: str) -> None:
    answer = office.act("tokens.issue", b'{"unit": "a"}', **{"Content-Type": kind})
    assert (answer.status, answer.json["error"]) == (415, "bad_type")


def test_only_an_administrator_acts(office: Any) -> None:
    before = entries(office)
    for who in ("viewer", "auditor", "monitor"):
        assert office.act("tokens.issue", b'{"unit": "a"}', who).status == 403
        assert office.act("readers.add", b'{"name": "me", "role": "administrator"}', who).status == 403
    assert entries(office) == before


def test_acts_at_the_same_time_are_each_logged_once_and_the_chain_holds(office: Any) -> None:
    before = len(entries(office))
    futures = []
    from datetime import UTC, datetime

    from muster_server.acts.performing import perform

    def one(number: int) -> None:
        def job(connection: Any) -> Any:
            return perform(connection, "tokens.issue", {"unit": f"u{number}"}, "os:test", datetime.now(UTC))

        futures.append(office.receiver.writer.submit(job))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for future in futures:
        future.result(20)
    after = entries(office)
    assert len(after) == before + 8
    assert all(entry["sound"] for entry in after)


def test_the_log_is_read_page_by_page(office: Any) -> None:
    whole = entries(office)
    assert len(whole) >= 8
    first = office.get("/v1/audit?limit=3").json
    assert [entry["position"] for entry in first["entries"]] == [1, 2, 3]
    rest = office.get(f"/v1/audit?after={first['next']}&limit=5000").json
    assert first["entries"] + rest["entries"] == whole
    assert rest["next"] is None
    for query in ("limit=0", "limit=5001", "after=-1", "after=x", "x=1", "limit=1&limit=2"):
        assert office.get(f"/v1/audit?{query}").status == 422


def test_a_credential_that_ends_while_the_act_waits_does_nothing(office: Any) -> None:
    from datetime import UTC, datetime

    from muster_server.store import readers

    made = office.act("readers.add", b'{"name": "short", "role": "administrator"}').json
    office.credentials["short"] = made["credential"]
    gate = threading.Event()
    held = office.receiver.writer.submit(lambda connection: gate.wait(20))

    def end(connection: Any) -> None:
        readers.revoke(connection, "short", datetime.now(UTC))

    revoked = office.receiver.writer.submit(end)
    answers: list[Any] = []
    asking = threading.Thread(
        target=lambda: answers.append(office.act("tokens.issue", b'{"unit": "late"}', who="short"))
    )
    asking.start()  # its credential holds when it is looked at first
    threading.Event().wait(0.5)
    gate.set()
    asking.join(20)
    assert held.result(20)
    revoked.result(20)
    assert answers[0].status == 401
    assert "late" not in json.dumps(entries(office))
