"""muster-agent run: collect, sign, and bring the report to the server; what cannot go now waits in the spool.

A PC that IT gave settings and a token (sending/conf.py) enrols itself at its first run.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from dataclasses import replace

from muster_agent.collect import collect, not_here
from muster_agent.commands.enrol import bind, enrolled_as, said
from muster_agent.commands.failure import Failure
from muster_agent.facts import Tables
from muster_agent.local import LocalMachine
from muster_agent.sending import conf, notice
from muster_agent.sending.home import Enrolment, Home, Unusable
from muster_agent.sending.http import BadAddress, Unreachable, check_address
from muster_agent.sending.notice import Notice
from muster_agent.sending.places import default_home
from muster_agent.words import Words

INCOMPLETE = ("unreachable", "no_answer", "not_trusted", "not_muster", "busy")


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """What the command takes."""
    parser.add_argument("--home", metavar="DIR", default=None, help=words("send.home"))


def identity(home: Home, words: Words) -> Enrolment:
    """Who this PC is. One that IT gave settings enrols with their token, and follows them to the server they name."""
    provided = conf.load(home)
    if provided is None:
        enrolment = home.enrolment()
        if enrolment is None:
            raise Failure("not_yet_enrolled", str(home.path))
        return enrolment
    check_address(provided.server)
    token = conf.token(home)
    known = home.enrolment() if token is None else enrolled_as(home)
    elsewhere = known is not None and provided.server_key not in (None, known.server_key)
    if known is None or elsewhere:
        if token is None:
            raise Failure("other_server" if elsewhere else "not_yet_enrolled", str(home.path))
        known, former = bind(home, provided.server, token, provided.ca, anew=elsewhere, key=provided.server_key)
        for line in said(known, former, words):
            print(line)
        if known.unit != provided.unit:
            print(words("enrol.other_unit", token=known.unit, settings=provided.unit))
    conf.forget_token(home)
    return replace(known, server=provided.server.rstrip("/"), ca=provided.ca)


def run(home: Home, enrolment: Enrolment, tables: Tables, words: Words) -> int:
    """Sign ``tables``, spool them, send what waits, say what happened; returns the exit code."""
    from muster_agent.sending.keys import SigningKey  # needs OpenSSL or cryptography; --help must do without
    from muster_agent.sending.report import sign
    from muster_agent.sending.send import deliver
    from muster_agent.sending.spool import Spool

    try:
        key = SigningKey.load(home.private_key())
    except (OSError, ValueError) as error:
        raise Unusable("key_unreadable", f"{home.key}: {error}") from None
    spool = Spool(home)
    dropped = 0
    for attempt in (1, 2):
        seq, signed = sign(tables, enrolment.agent, key, spool.last(home.state()), moment())
        dropped += len(spool.put(seq, signed))
        delivery = deliver(home, spool, enrolment)
        if not delivery.missing or attempt == 2:
            break  # a server restored from a backup may lack tables it once had: the second report carries them
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
        ),
    )
    for line in summary(tables, words):
        print(line)
    if dropped:
        print(words("run.dropped", count=dropped))
    if spool.damaged:
        print(words("run.damaged", count=len(spool.damaged), folder=home.refused))
    if well:
        print(words("run.delivered", count=delivery.delivered, seq=seq, size=len(signed.body), server=enrolment.server))
        return 3 if spool.damaged else 0
    if delivery.waiting:
        print(words("run.waiting", count=delivery.waiting, folder=home.spool))
    if delivery.refused:
        print(words("run.refused", count=delivery.refused, folder=home.refused))
    return Failure(code, delivery.detail, 3 if code in INCOMPLETE else 5).show(words)


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


def one_run(home: Home, words: Words) -> int:
    """One run in the folder, and the notice of it when it could not even begin."""
    try:
        return run(home, identity(home, words), collect(LocalMachine()), words)
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
        home = Home(arguments.home or default_home())
        with home.lock():
            return one_run(home, words)
    except Unusable as error:
        return Failure(error.code, error.detail).show(words)
