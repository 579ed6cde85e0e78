"""The routes: who may use them, what they say, and that there is no way back to a PC."""

from __future__ import annotations

import http.client
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from muster_agent.commands.enrol import enrol
from muster_agent.commands.failure import Failure
from muster_agent.local import LocalMachine
from muster_agent.sending.home import Home
from muster_server.receive.app import Receiver


def ask(server: Any, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, Any]]:
    """Any request, and its JSON answer."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def enrolled(server: Any, name: str, token: str) -> Any:
    """Enrol a PC of that name."""
    return enrol(Home(str(server.folder / name)), server.url, token, None, LocalMachine())


def test_only_two_routes_answer_without_a_credential(server: Any) -> None:
    receiver = Receiver(server.database, server.key, lambda pc: None)
    routes = {(route.path, method) for route in receiver.application().routes for method in route.methods}
    receiver.writer.close()
    open_routes = {("/healthz", "GET"), ("/healthz", "HEAD"), ("/readyz", "GET"), ("/readyz", "HEAD")}
    assert routes - open_routes == {("/v1/enrol", "POST"), ("/v1/reports", "POST"), ("/v1/keys", "POST")}
    for path in ("/v1/enrol", "/v1/reports", "/v1/keys"):
        for credential in ("", "Bearer", "Bearer ", "Bearer x", "Basic eDp4", "x"):
            status, answer = ask(server, "POST", path, b"{}", Authorization=credential, **{"Content-Encoding": "gzip"})
            assert 400 <= status < 500
            assert set(answer) == {"error", "detail"}


def test_what_does_not_exist_says_so_in_the_one_shape(server: Any) -> None:
    for method, path in (("GET", "/"), ("GET", "/v1/reports"), ("DELETE", "/v1/reports"), ("GET", "/v1/commands")):
        status, answer = ask(server, method, path)
        assert status in (404, 405)
        assert answer["error"] == "no_such_route"


def test_health_and_readiness_answer(server: Any) -> None:
    assert ask(server, "GET", "/healthz") == (200, {"status": "alive"})
    assert ask(server, "GET", "/readyz") == (200, {"status": "ready"})


def test_a_token_is_used_once_and_only_by_one_of_many_at_once(server: Any) -> None:
    token = server.token()
    won: list[str] = []

    def attempt(number: int) -> None:
        try:
            won.append(enrolled(server, f"pc{number}", token).agent)
        except Failure as failure:
            assert failure.code == "bad_token"

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_asking_again_with_the_same_key_gives_the_same_identity(server: Any) -> None:
    token = server.token()
    first = enrolled(server, "pc", token)
    (server.folder / "pc" / "enrolment.json").unlink()
    assert enrolled(server, "pc", token) == first
    (server.folder / "pc" / "enrolment.json").unlink()
    assert enrolled(server, "pc", server.token()) == first
    (server.folder / "pc" / "enrolment.json").unlink()
    with pytest.raises(Failure, match="bad_token"):
        enrolled(server, "pc", "wrong")
    assert server.ask("SELECT count(*) FROM agents") == [(1,)]


def test_a_revoked_key_is_not_taken_in_again(server: Any) -> None:
    enrolled(server, "pc", server.token())
    with server.database.write() as connection:
        connection.exec_driver_sql("UPDATE agents SET revoked_at = '2026-11-24T00:00:00.000000Z'")
    (server.folder / "pc" / "enrolment.json").unlink()
    with pytest.raises(Failure, match="bad_token"):
        enrolled(server, "pc", server.token())


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000])
def test_a_wrong_token_is_refused(server: Any, token: str) -> None:
    with pytest.raises(Failure):
        enrolled(server, "pc", token)
    assert server.ask("SELECT count(*) FROM agents") == [(0,)]


def test_an_expired_token_is_refused(server: Any) -> None:
    token = server.token(hours=-0.001)
    with pytest.raises(Failure, match="bad_token"):
        enrolled(server, "pc", token)


def test_a_token_is_nowhere_in_the_database(server: Any, tmp_path: Path) -> None:
    token = server.token()
    enrolled(server, "pc", token)
    for file in tmp_path.glob("muster.db*"):
        assert token.encode() not in file.read_bytes()


def test_the_enrolment_is_kept_as_signed_evidence(server: Any) -> None:
    from muster_agent.sending.envelope import ENROL
    from muster_agent.sending.keys import verify

    pc = server.pc()
    [(request, signature, key)] = server.ask("SELECT request, request_signature, public_key FROM keys")
    assert verify(bytes.fromhex(key), signature, ENROL + request)
    assert bytes.fromhex(key) == pc.key.public


def test_a_full_queue_is_refused_with_a_time_to_come_again(server: Any) -> None:
    from muster_server.receive import writer
    from muster_server.receive.refusal import Refusal

    gate = threading.Event()
    running = writer.Writer(server.database)
    held = [running.submit(lambda connection: gate.wait(20))]
    with pytest.raises(Refusal) as refused:
        for _ in range(writer.QUEUE_LIMIT + writer.BATCH + 1):
            held.append(running.submit(lambda connection: datetime.now(UTC)))
    assert (refused.value.status, refused.value.retry_after) == (503, 30)
    gate.set()
    assert all(future.result(20) for future in held)
    running.close()


def test_a_job_that_fails_takes_back_only_itself(server: Any) -> None:
    from muster_server.receive import writer

    gate = threading.Event()
    running = writer.Writer(server.database)

    def count(connection: Any) -> Any:
        return connection.exec_driver_sql("SELECT count(*) FROM bodies").scalar()

    def add(name: str) -> Any:
        return lambda c: c.exec_driver_sql(f"INSERT INTO bodies VALUES ('{name}', '')") and None

    first = running.submit(lambda connection: gate.wait(20))
    jobs = [running.submit(add("a")), running.submit(add("a")), running.submit(add("b")), running.submit(count)]
    gate.set()
    assert first.result(20)
    assert jobs[0].result(20) is None
    assert jobs[1].exception(20) is not None
    assert jobs[3].result(20) == 2
    running.close()


def test_a_body_that_stops_coming_is_cut_off(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from muster_server.receive import app

    monkeypatch.setattr(app, "BODY_DEADLINE", 0.3)
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    connection.putrequest("POST", "/v1/enrol")
    connection.putheader("Content-Length", "100")
    connection.endheaders()
    connection.send(b"{")
    response = connection.getresponse()
    assert response.status == 408
    assert json.loads(response.read())["error"] == "too_slow"
    connection.close()
