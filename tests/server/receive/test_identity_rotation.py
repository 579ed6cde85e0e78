"""A PC changes its key: both keys sign, a crash at any step costs nothing, and nobody else can."""

from __future__ import annotations

import base64
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muster_agent.canonical import canonical
from muster_agent.commands.run import run
from muster_agent.sending import rotation
from muster_agent.sending.envelope import ENROL, ROTATE
from muster_agent.sending.home import NEXT_KEY, Home
from muster_agent.sending.http import Answer, post
from muster_agent.sending.keys import SigningKey
from muster_agent.words import Words
from muster_server.acts.performing import perform
from muster_server.store.schema import moment_text

WORDS = Words("en")


class Crash(BaseException):
    """The power goes."""


def do(server: Any, act: str, **asked: Any) -> dict[str, Any]:
    """An administrator's act."""
    with server.database.write() as connection:
        return perform(connection, act, asked, "os:test", datetime.now(UTC))


def change(server: Any, table: str, column: str, value: Any, where: str = "1 = 1") -> None:
    """Set a column, as time does."""
    from sqlalchemy import text

    with server.database.write() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = :value WHERE {where}"), {"value": value})


def ago(**time: float) -> str:
    """A moment as the database keeps it."""
    return moment_text(datetime.now(UTC) - timedelta(**time))


def asked(pc: Any, new: SigningKey, old: SigningKey | None = None, **more: str) -> tuple[bytes, dict[str, str]]:
    """A request to change the key, and its headers."""
    old = old or pc.key
    body = canonical(
        {"agent": pc.enrolment.agent, "predecessor": old.id, "public_key": new.public.hex(), **more},
    )
    signed = {"Muster-Signature": new.sign(ROTATE + body), "Muster-Predecessor-Signature": old.sign(ROTATE + body)}
    return body, {name: base64.b64encode(value).decode() for name, value in signed.items()}


def ask(pc: Any, body: bytes, headers: dict[str, str]) -> Answer:
    """What the server answers."""
    return post(pc.enrolment.server, "/v1/keys", body, headers)


@pytest.fixture
def pc(server: Any) -> Any:
    """A PC that has reported once, and was asked to change its key."""
    made = server.pc()
    assert run(made.home, made.enrolment, made.tables(), WORDS) == 0
    do(server, "agents.rekey", all=True)
    return made


def test_the_server_asks_with_an_answer_and_the_pc_changes_its_key(
    server: Any, pc: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pc.key.id
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    assert "key was changed" in capsys.readouterr().out
    assert pc.key.id != before
    assert not (pc.home.path / NEXT_KEY).exists()
    assert pc.home.key.stat().st_mode & 0o777 == 0o600
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    assert "key was changed" not in capsys.readouterr().out, "asked once, changed once"
    chain = [stored.envelope for stored in server.stored()]
    assert [one.key for one in chain] == [before, before, pc.key.id]
    assert chain[2].previous == chain[1].digest, "the chain goes on"
    assert server.ask("SELECT rekey_at, conflict_at FROM agents") == [(None, None)]


def test_a_key_a_year_old_is_changed_and_a_wrong_clock_makes_no_loop(server: Any) -> None:
    pc = server.pc()
    change(server, "keys", "since", ago(hours=2))
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    before = pc.key.id
    old = pc.home.key.stat().st_mtime - 366 * 24 * 3600
    os.utime(pc.home.key, (old, old))
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    after = pc.key.id
    assert after != before
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    assert pc.key.id == after
    assert server.ask("SELECT count(*) FROM keys") == [(2,)]


def test_the_old_key_holds_seven_days_and_not_one_more(server: Any, pc: Any) -> None:
    old, state = pc.key, pc.home.state()
    assert rotation.change(pc.home, pc.enrolment).code is None
    from muster_agent.sending.report import sign

    still = sign(pc.tables(), pc.enrolment.agent, old, state, "2026-11-24T08:00:00Z")[1]
    assert pc.post(still).status == 202
    change(server, "keys", "until", ago(seconds=1), "until IS NOT NULL")
    late = sign(pc.tables(13), pc.enrolment.agent, old, state, "2026-11-24T08:00:00Z")[1]
    assert pc.post(late).status == 403


STEPS = {
    "before the new key is there": ("SigningKey.generate", False),
    "before the request is kept": ("write_durably", False),
    "before the server is told": ("post", False),
    "before the answer is here": ("post", True),
    "before the new key takes its place": ("os.replace", False),
    "after the new key took its place": ("os.replace", True),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_loses_neither_identity_nor_report(
    server: Any, pc: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, after = STEPS[step]
    room, _, attribute = name.rpartition(".")
    where = {"": rotation, "SigningKey": rotation.SigningKey, "os": rotation.os}[room]
    real = getattr(where, attribute)

    def crash(*given: Any, **named: Any) -> Any:
        if after:
            real(*given, **named)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(where, attribute, crash)
        with pytest.raises(Crash):
            rotation.change(pc.home, pc.enrolment)
    for major in (13, 14):
        assert run(pc.home, pc.enrolment, pc.tables(major), WORDS) == 0
    assert not (pc.home.path / NEXT_KEY).exists()
    assert server.ask("SELECT count(*) FROM keys") == [(2,)]
    assert server.ask("SELECT seq FROM reports ORDER BY position") == [(1,), (2,), (3,)]
    assert server.stored()[-1].envelope.key == pc.key.id
    assert server.ask("SELECT conflict_at, rekey_at FROM agents") == [(None, None)]


def test_a_pc_that_crashed_in_between_and_was_off_for_a_month_comes_back(
    server: Any, pc: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*given: Any) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(rotation.os, "replace", crash)
        with pytest.raises(Crash):
            rotation.change(pc.home, pc.enrolment)
    change(server, "keys", "until", ago(days=23), "until IS NOT NULL")
    run(pc.home, pc.enrolment, pc.tables(13), WORDS)
    assert run(pc.home, pc.enrolment, pc.tables(14), WORDS) == 0
    assert server.stored()[-1].envelope.key == pc.key.id
    assert server.ask("SELECT conflict_at FROM agents") == [(None,)]


def test_a_server_restored_from_before_the_change_is_told_of_it_again(server: Any, pc: Any) -> None:
    assert rotation.change(pc.home, pc.enrolment).code is None
    from sqlalchemy import text

    with server.database.write() as connection:
        connection.execute(text("DELETE FROM keys WHERE predecessor IS NOT NULL"))
        connection.execute(text("UPDATE keys SET until = NULL, since = :then"), {"then": ago(days=2)})
    assert run(pc.home, pc.enrolment, pc.tables(13), WORDS) == 0
    assert server.stored()[-1].envelope.key == pc.key.id


def test_an_answer_that_is_not_the_servers_changes_nothing(pc: Any, start: Any) -> None:
    before = pc.key.id
    outcome = rotation.change(pc.home, replace(pc.enrolment, server_key="ab" * 32))
    assert (outcome.code, pc.key.id) == ("not_muster", before)


def test_a_server_that_is_away_leaves_the_old_key(pc: Any) -> None:
    before = pc.key.id
    assert rotation.change(pc.home, replace(pc.enrolment, server="http://127.0.0.1:9")).code == "unreachable"
    assert pc.key.id == before
    assert rotation.change(pc.home, pc.enrolment).code is None


# -- who cannot --------------------------------------------------------------------------------------------------------


def test_asking_again_is_harmless(server: Any, pc: Any) -> None:
    body, headers = asked(pc, SigningKey.generate())
    first, again = ask(pc, body, headers), ask(pc, body, headers)
    assert (first.status, again.status) == (201, 200)
    assert dict(first.content) == dict(again.content)
    assert server.ask("SELECT count(*) FROM keys") == [(2,)]


def test_L9_nobody_without_the_old_key_gets_a_new_one_in(server: Any, pc: Any) -> None:
    attacker, new = SigningKey.generate(), SigningKey.generate()
    other = server.pc("other")
    body, good = asked(pc, new)
    forged, wrong = asked(pc, new, old=attacker)
    pretended = canonical({**json.loads(forged), "predecessor": pc.key.id})
    signed = {"Muster-Signature": new.sign(ROTATE + pretended)}
    signed["Muster-Predecessor-Signature"] = attacker.sign(ROTATE + pretended)
    tries = {
        "another's key": asked(pc, new, old=other.key),
        "an unknown key": (forged, wrong),
        "an unknown key under a known name": (
            pretended,
            {name: base64.b64encode(value).decode() for name, value in signed.items()},
        ),
        "the new key's signature alone": (body, {**good, "Muster-Predecessor-Signature": good["Muster-Signature"]}),
        "the old key's signature alone": (body, {**good, "Muster-Signature": good["Muster-Predecessor-Signature"]}),
        "the same key again": asked(pc, pc.key),
        "another agent": asked(pc, new, agent=other.enrolment.agent),
        "no such agent": asked(pc, new, agent="00000000-0000-4000-8000-000000000000"),
    }
    # A signature made for something else.
    for kind in (ENROL, b"", b"MUSTER-REPORT/1\n"):
        crossed = {
            "Muster-Signature": base64.b64encode(new.sign(kind + body)).decode(),
            "Muster-Predecessor-Signature": base64.b64encode(pc.key.sign(kind + body)).decode(),
        }
        tries[f"signed as {kind!r}"] = (body, crossed)
    for name, (tried, headers) in tries.items():
        assert ask(pc, tried, headers).status == 401, name
    for malformed in (b"", b"{}", b"[]", b"null", body + b" ", body.replace(b'"', b"'"), b"[" * 900, b"\xff"):
        assert ask(pc, malformed, good).status == 422, malformed
    assert ask(pc, body * 20, good).status == 413
    for missing in good:
        assert ask(pc, body, {name: value for name, value in good.items() if name != missing}).status == 400
    assert server.ask("SELECT count(*) FROM keys") == [(2,)]
    assert server.ask("SELECT count(*) FROM agents WHERE conflict_at IS NOT NULL") == [(0,)], "no stranger marks a PC"


def test_a_revoked_pc_cannot_change_its_key(server: Any, pc: Any) -> None:
    do(server, "agents.revoke", pc=pc.enrolment.agent, reason="x")
    assert ask(pc, *asked(pc, SigningKey.generate())).status == 403
    assert server.ask("SELECT count(*) FROM keys") == [(1,)]


def test_an_ended_key_vouches_for_nothing(server: Any, pc: Any) -> None:
    change(server, "keys", "until", ago(seconds=1))
    assert ask(pc, *asked(pc, SigningKey.generate())).status == 403


def test_a_key_somebody_has_is_not_given_again(server: Any, pc: Any) -> None:
    other = server.pc("other")
    assert ask(pc, *asked(pc, other.key)).status == 409
    assert server.ask("SELECT count(*) FROM keys WHERE predecessor IS NOT NULL") == [(0,)]


def test_a_copy_that_changes_the_key_too_is_a_conflict_an_administrator_sees(server: Any, pc: Any) -> None:
    shutil.copytree(pc.home.path, server.folder / "copy")
    copy = Home(str(server.folder / "copy"))
    assert rotation.change(copy, pc.enrolment).code is None
    assert rotation.change(pc.home, pc.enrolment).code == "conflict"
    assert not (pc.home.path / NEXT_KEY).exists()
    assert server.ask("SELECT conflict_at IS NOT NULL FROM agents") in ([(True,)], [(1,)])


def test_a_pc_cannot_fill_the_table_of_keys(server: Any, pc: Any) -> None:
    assert rotation.change(pc.home, pc.enrolment).code is None
    answer = ask(pc, *asked(pc, SigningKey.generate()))
    assert (answer.status, answer.text("error")) == (429, "too_soon")
    assert rotation.change(pc.home, pc.enrolment).code == "busy"
    change(server, "keys", "since", ago(hours=2))
    assert rotation.change(pc.home, pc.enrolment).code is None


def test_a_change_can_be_checked_with_openssl_years_later(server: Any, pc: Any, tmp_path: Path) -> None:
    old = pc.key
    assert rotation.change(pc.home, pc.enrolment).code is None
    [(request, new_signature, old_signature)] = server.ask(
        "SELECT request, request_signature, predecessor_signature FROM keys WHERE predecessor IS NOT NULL"
    )
    (tmp_path / "request").write_bytes(ROTATE + bytes(request))
    for key, signature in ((pc.key, new_signature), (old, old_signature)):
        (tmp_path / "public.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + key.public)
        (tmp_path / "signature").write_bytes(bytes(signature))
        line = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "public.der", "-rawin"]
        line += ["-in", "request", "-sigfile", "signature"]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


# -- one bit, and nothing more ---------------------------------------------------------------------------------------


@pytest.fixture
def altering(server: Any) -> Iterator[Callable[[dict[str, Any]], str]]:
    """Something in front of the server that adds fields to its answers to reports; gives its address."""
    running: list[http.server.ThreadingHTTPServer] = []

    def begin(fields: dict[str, Any]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                names = ("Content-Encoding", "Muster-Envelope", "Muster-Signature", "Muster-Predecessor-Signature")
                headers = {name: self.headers[name] for name in names if name in self.headers}
                answer = post(server.url, self.path, body, headers)
                more = fields if self.path == "/v1/reports" else {}
                said = json.dumps({**answer.content, **more}).encode()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        running.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=running[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{running[-1].server_address[1]}"

    yield begin
    for one in running:
        one.shutdown()
        one.server_close()


@pytest.mark.parametrize("value", ["true", 1, [], {"run": "/bin/sh"}, None, False, [True]])
def test_what_is_not_true_asks_for_nothing(
    server: Any, altering: Any, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    pc = server.pc()
    before = sorted(path.name for path in pc.home.path.iterdir())
    url = altering({"rekey": value, "awaiting": value, "run": "/bin/sh", "update": "https://example.org/agent"})
    assert run(pc.home, replace(pc.enrolment, server=url), pc.tables(), WORDS) == 0
    assert "key" not in capsys.readouterr().out
    assert server.ask("SELECT count(*) FROM keys") == [(1,)]
    after = sorted(path.name for path in pc.home.path.iterdir())
    assert set(after) - set(before) <= {"public"}


def test_a_server_that_asks_every_time_gets_one_change_an_hour(server: Any, altering: Any) -> None:
    pc = server.pc()
    change(server, "keys", "since", ago(hours=2))
    url = altering({"rekey": True})
    for _ in range(3):
        assert run(pc.home, replace(pc.enrolment, server=url), pc.tables(), WORDS) == 0
    assert server.ask("SELECT count(*) FROM keys") == [(2,)]


def test_the_fields_of_an_answer_are_these(server: Any) -> None:
    pc = server.pc()
    usual = set(pc.post(pc.sign()).content)
    do(server, "agents.rekey", all=True)
    change(server, "agents", "approved_at", None)
    told = pc.post(pc.sign()).content
    assert set(told) == {*usual, "rekey", "awaiting"}
    assert (told["rekey"], told["awaiting"]) == (True, True)
    assert usual <= {"receipt", "signature", "missing", "judged", "clock"}
