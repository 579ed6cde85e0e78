"""muster-agent run: collect, sign, and bring the report to the server; what cannot go now waits in the spool.

A PC that IT gave settings and a token (sending/conf.py) enrols itself at its first run.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from dataclasses import replace
from typing import Any

from muster_agent.collect import collect, not_here
from muster_agent.commands.enrol import bind, enrolled_as, said
from muster_agent.commands.failure import Failure
from muster_agent.commands.identity import another_machine, known_again, new_key, told
from muster_agent.facts import Tables
from muster_agent.local import LocalMachine
from muster_agent.sending import conf, notice
from muster_agent.sending import pace as pacing
from muster_agent.sending.home import REPORTS, Enrolment, Home, Unusable
from muster_agent.sending.http import BadAddress, Unreachable, check_address
from muster_agent.sending.notice import Notice
from muster_agent.sending.owners import must_be_ours
from muster_agent.sending.pace import Pace
from muster_agent.sending.places import default_home
from muster_agent.words import Words

INCOMPLETE = (
    *("unreachable", "no_name", "no_answer", "cut_off", "not_trusted", "not_valid_now", "no_tls"),
    *("not_muster", "proxy_asks", "no_server_behind", "server_failed", "busy", "later"),
)


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """What the command takes."""
    parser.add_argument("--home", metavar="DIR", default=None, help=words("send.home"))
    parser.add_argument("--scheduled", action="store_true", help=words("run.scheduled"))


def identity(home: Home, words: Words) -> Enrolment:
    """Who this PC is. One that IT gave settings enrols with their token, and follows them to the server they name."""
    provided = conf.load(home)
    copied = another_machine(home, LocalMachine())
    if provided is None:
        enrolment = home.enrolment()
        if enrolment is None:
            raise Failure("not_yet_enrolled", str(home.path))
        if copied:
            raise Failure("another_machine", told(copied, words))
        return enrolment
    check_address(provided.server)
    token = conf.token(home)
    known = home.enrolment() if token is None else enrolled_as(home)
    elsewhere = known is not None and provided.server_key not in (None, known.server_key)
    if copied:
        if token is None:
            raise Failure("another_machine", told(copied, words))
        print(words("identity.copied", what=told(copied, words)))
    if known is None or elsewhere or copied:
        if token is None:
            raise Failure("other_server" if elsewhere else "not_yet_enrolled", str(home.path))
        anew = elsewhere or bool(copied)
        known, former = bind(home, provided.server, token, provided.ca, anew=anew, key=provided.server_key)
        for line in said(known, former, words):
            print(line)
        if known.unit != provided.unit:
            print(words("enrol.other_unit", token=known.unit, settings=provided.unit))
    return replace(known, server=provided.server.rstrip("/"), ca=provided.ca)


def signing_key(home: Home) -> Any:
    """The PC's key. Raises :class:`Unusable`."""
    from muster_agent.sending.keys import SigningKey  # needs cryptography; --help must do without

    try:
        return SigningKey.load(home.private_key())
    except (OSError, ValueError) as error:
        raise Unusable("key_unreadable", f"{home.key}: {error}") from None


def spooled(home: Home, spool: Any, enrolment: Enrolment, tables: Tables) -> tuple[int, int, int]:
    """Sign ``tables`` and let the report wait; returns its number, its size, and how many older ones had to go."""
    from muster_agent.sending.report import sign

    seq, signed = sign(tables, enrolment.agent, signing_key(home), spool.last(home.state()), moment())
    return seq, len(signed.body), len(spool.put(seq, signed))


def run(home: Home, enrolment: Enrolment, tables: Tables, words: Words, scheduled: bool = False) -> int:
    """Sign ``tables``, spool them, send what waits, say what happened; returns the exit code.

    ``scheduled``: nobody waits for the end, so the run keeps to the pace (sending/pace.py) and may sleep a little.
    """
    from muster_agent.sending.send import Delivery, deliver
    from muster_agent.sending.spool import Spool

    spool = Spool(home)
    pace = pacing.load(home)
    seq, size, dropped = spooled(home, spool, enrolment, tables)
    if scheduled and pace.holds(time.time()):
        until = time.strftime("%Y-%m-%d %H:%M", time.localtime(pace.not_before))
        delivery = Delivery(waiting=len(spool.paths()), code="later", detail=until)
    else:
        delivery = deliver(home, spool, enrolment, pace, time.sleep if scheduled else None)
        before = signing_key(home).id
        if delivery.code in ("not_enrolled", "revoked") and known_again(home, enrolment, delivery.code):
            if signing_key(home).id != before:  # what was signed with the key that has ended is put aside
                seq, size, more = spooled(home, spool, enrolment, tables)
                dropped += more
            delivery = deliver(home, spool, enrolment, pace)
        if delivery.code == "not_enrolled":
            again = taken_in_again(home, enrolment, words)
            if again is not None:
                enrolment = again
                seq, size, more = spooled(home, spool, enrolment, tables)
                dropped += more
                delivery = deliver(home, spool, enrolment, pace)
        elif delivery.missing:
            # A server restored from a backup may lack tables it once had: a second report carries them.
            first = delivery.delivered
            seq, size, more = spooled(home, spool, enrolment, tables)
            dropped += more
            delivery = deliver(home, spool, enrolment)
            delivery = replace(delivery, delivered=delivery.delivered + first)
        with contextlib.suppress(OSError):  # the pace is a courtesy; a disk that is full costs no report
            pacing.save(home, paced(pace, delivery))
    well = delivery.code is None and home.state().seq == seq
    code = delivery.code or "not_delivered"
    put_up(
        home,
        Notice(
            moment(),
            enrolment.server,
            enrolment.unit,
            code=None if well else code,
            detail=delivery.detail,
            waiting=delivery.waiting,
            sent=delivery.sent,
            judged=delivery.judged,
            clock=delivery.clock,
            awaiting=delivery.awaiting,
        ),
    )
    for line in summary(tables, words):
        print(line)
    if dropped:
        print(words("run.dropped", count=dropped))
    if spool.damaged:
        print(words("run.damaged", count=len(spool.damaged), folder=home.refused))
    if well:
        conf.forget_token(home)  # only now: a server that has lost this PC takes it in again with it
        print(words("run.delivered", count=delivery.delivered, seq=seq, size=size, server=enrolment.server))
        new_key(home, enrolment, delivery.rekey, words)
        return 3 if spool.damaged else 0
    if delivery.waiting:
        print(words("run.waiting", count=delivery.waiting, folder=home.spool))
    if delivery.refused:
        print(words("run.refused", count=delivery.refused, folder=home.refused))
    return Failure(code, delivery.detail, 3 if code in INCOMPLETE else 5).show(words)


def paced(pace: Pace, delivery: Any) -> Pace:
    """What is remembered of this run for the next."""
    reached = delivery.delivered or delivery.refused
    after = Pace(stuck=pace.stuck, tries=pace.tries) if reached else pace
    if not delivery.waiting:
        return Pace()
    after = after.failed(time.time(), delivery.code or "not_delivered", delivery.retry_after)
    return after.stuck_at(delivery.stuck) if delivery.stuck else replace(after, stuck=0, tries=0)


def taken_in_again(home: Home, before: Enrolment, words: Words) -> Enrolment | None:
    """Enrol once more where the server does not know this PC and a token lies there, by the settings as they are now;
    None without a token. What was signed in the name of the former id is kept in former-N."""
    provided = conf.load(home)
    token = conf.token(home)
    if provided is None or token is None:
        return None
    known, _ = bind(home, provided.server, token, provided.ca, key=provided.server_key)
    former = home.put_aside(REPORTS) if known.agent != before.agent else None
    for line in said(known, former, words):
        print(line)
    return replace(known, server=provided.server.rstrip("/"), ca=provided.ca)


def summary(tables: Tables, words: Words) -> list[str]:
    """What was collected, in one line, and one line for each table that was not. What this system does not have is not
    missing, as in ``check``."""
    tables = {name: table for name, table in tables.items() if not not_here(table)}
    collected = sum(table.rows is not None for table in tables.values())
    lines = [words("run.collected", count=collected, total=len(tables))]
    for name, table in tables.items():
        if table.problem is not None:
            lines.append(f"  {name}: {words.reason(table.problem.code, table.problem.detail)}")
    return lines


def moment() -> str:
    """Now, by this PC's clock, as the envelope wants it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def put_up(home: Home, what: Notice) -> None:
    """Put up what came of this run. A notice that cannot be written costs no report."""
    refused = sum(path.suffix == ".json" for path in home.refused.iterdir())
    with contextlib.suppress(OSError):
        notice.write(home, replace(what, refused=refused))


def one_run(home: Home, words: Words, scheduled: bool = False) -> int:
    """One run in the folder, and the notice of it when it could not even begin."""
    try:
        return run(home, identity(home, words), collect(LocalMachine()), words, scheduled)
    except BadAddress as error:
        failure = Failure(str(error), str(home.path))
    except (Unusable, Unreachable) as error:
        failure = Failure(error.code, error.detail, 3 if error.code in INCOMPLETE else 5)
    except ImportError:
        failure = Failure("no_cryptography")
    except Failure as error:
        failure = error
        failure.exit_code = 3 if failure.code in INCOMPLETE else failure.exit_code
    waiting = sum(path.suffix == ".json" for path in home.spool.iterdir())
    put_up(home, Notice(moment(), code=failure.code, detail=failure.detail, waiting=waiting))
    return failure.show(words)


def main(arguments: argparse.Namespace, words: Words) -> int:
    """Run the command."""
    try:
        place = arguments.home or default_home()
        try:
            must_be_ours(place)
        except Unusable as error:
            if error.code == "conf_unsafe":  # the folder and the program are sound: the person at the PC is told, too
                home = Home(place)
                with home.lock():
                    put_up(home, Notice(moment(), code=error.code, detail=error.detail))
            raise
        home = Home(place)
        with home.lock():
            return one_run(home, words, arguments.scheduled)
    except Unusable as error:
        return Failure(error.code, error.detail).show(words)
