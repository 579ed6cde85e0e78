"""Scorecard 5, 6, 7 and 8: replays, one key on two PCs, tokens used again, and how soon an administrator's word holds.

    python tests/scorecard/identity.py

A real server in a process of its own, real agents' requests, the administrator's commands as they are typed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "torture"))

import load

from muster_agent.commands.enrol import enrol
from muster_agent.commands.failure import Failure
from muster_agent.facts import Boot, SystemInfo, Table, Tables
from muster_agent.local import LocalMachine
from muster_agent.sending.home import Home
from muster_agent.sending.http import post
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import sign
from muster_agent.sending.send import headers_of
from muster_agent.sending.spool import Spool

AT = "2026-11-24T08:00:00Z"
TRIES = 50


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    replays: int
    new_rows: int  # that replays made
    wrong_answers: int  # to replays: not 200 with the same receipt
    reports_until_conflict: int  # by two PCs with one key
    winners: int  # of fifty that use a token for one PC at the same moment
    after_expiry: int
    after_revocation: int
    first_report_seconds: float  # from the beginning of an enrolment to its first receipt
    refused_seconds: float  # from the command that revokes to the first refusal


def muster(data: Path, *words: str) -> str:
    """The administrator's command; it must succeed."""
    line = [*load.WORDS, "--data", str(data), "--lang", "en", *words]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tables(name: str) -> Tables:
    """What a PC says."""
    return {
        "system_info": Table((SystemInfo(hostname=name),)),
        "boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),)),
    }


def report(home: Home, url: str, name: str) -> int:
    """Let the agent of a folder send its next report; returns the status it was answered with."""
    key = SigningKey.load(str(home.key))
    enrolment = home.enrolment()
    assert enrolment is not None
    state = Spool(home).last(home.state())
    seq, signed = sign(tables(name), enrolment.agent, key, state, AT)
    answer = post(url, "/v1/reports", signed.body, headers_of(signed))
    if answer.status in (200, 202):
        from muster_agent.sending.envelope import Envelope

        home.save_state(replace(home.state(), seq=seq, digest=Envelope.parse(signed.envelope).digest))
    return answer.status


def refused(url: str, token: str, home: Path) -> bool:
    """Whether a token does not let a new PC in."""
    try:
        enrol(Home(str(home)), url, token, None, LocalMachine())
    except Failure:
        return True
    return False


def replayed(folder: Path, data: Path, url: str, times: int) -> tuple[int, int]:
    """New rows and wrong answers after one accepted report came so many times more."""
    from muster_server.deployment import Deployment

    home = Home(str(folder / "replayed"))
    enrolment = enrol(home, url, muster(data, "token", "--unit", "IT"), None, LocalMachine())
    signed = sign(tables("pc"), enrolment.agent, SigningKey.load(str(home.key)), home.state(), AT)[1]
    first = post(url, "/v1/reports", signed.body, headers_of(signed))
    assert first.status == 202
    before = load.count(Deployment(data))
    wrong = 0
    for _ in range(times):
        again = post(url, "/v1/reports", signed.body, headers_of(signed))
        same = all(again.text(name) == first.text(name) for name in ("receipt", "signature"))
        wrong += again.status != 200 or not same
    return load.count(Deployment(data)) - before, wrong


def two_with_one_key(folder: Path, data: Path, url: str) -> int:
    """How many reports two PCs with one key have sent when the administrator is shown a conflict."""
    home = Home(str(folder / "original"))
    enrol(home, url, muster(data, "token", "--unit", "IT"), None, LocalMachine())
    assert report(home, url, "original") == 202
    shutil.copytree(home.path, folder / "copy")
    copy = Home(str(folder / "copy"))
    for sent in range(1, 7):
        report((home, copy)[sent % 2], url, ("original", "copy")[sent % 2])
        if "original" in muster(data, "agents", "conflicts") or "copy" in muster(data, "agents", "conflicts"):
            return sent
    return 99


def run(folder: Path, replays: int = 1000) -> Figures:
    """All of it on one server."""
    deployment = load.new_deployment(folder / "data")
    data, port = deployment.path, load.free_port()
    url = f"http://127.0.0.1:{port}"
    with load.serving(data, port):
        new_rows, wrong = replayed(folder, data, url, replays)
        until_conflict = two_with_one_key(folder, data, url)
        once = muster(data, "token", "--unit", "IT")
        with ThreadPoolExecutor(TRIES) as pool:
            lost = list(pool.map(lambda n: refused(url, once, folder / f"try{n}"), range(TRIES)))
        expired = issued_and_expired(data)
        revoked = muster(data, "token", "--unit", "IT")
        muster(data, "token", "revoke", token_id(revoked))
        began = time.monotonic()
        home = Home(str(folder / "quick"))
        made = enrol(home, url, muster(data, "token", "--unit", "IT"), None, LocalMachine())
        assert report(home, url, "quick") == 202
        first = time.monotonic() - began
        began = time.monotonic()
        muster(data, "agents", "revoke", made.agent, "--reason", "scorecard")
        while report(home, url, "quick") != 403 and time.monotonic() < began + 30:
            pass
        return Figures(
            replays=replays,
            new_rows=new_rows,
            wrong_answers=wrong,
            reports_until_conflict=until_conflict,
            winners=lost.count(False),
            after_expiry=int(not refused(url, expired, folder / "expired")),
            after_revocation=int(not refused(url, revoked, folder / "revoked")),
            first_report_seconds=first,
            refused_seconds=time.monotonic() - began,
        )


def token_id(token: str) -> str:
    """The name under which a token is listed and revoked."""
    from muster_server.store.tokens import token_hash

    return token_hash(token)[:12]


def issued_and_expired(data: Path) -> str:
    """A token whose time is over: issued as of yesterday, because nobody waits a day for a figure."""
    from datetime import UTC, datetime, timedelta

    from muster_server.deployment import Deployment
    from muster_server.store import tokens
    from muster_server.store.tokens import Terms

    database = Deployment(data).database()
    try:
        with database.write() as connection:
            yesterday = datetime.now(UTC) - timedelta(days=1, minutes=1)
            return tokens.issue(connection, Terms("IT"), "os:test", yesterday, yesterday + timedelta(days=1))
    finally:
        database.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        print(run(Path(temporary)))
