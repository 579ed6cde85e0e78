"""muster-agent run: collect, sign, and bring the report to the server; what cannot go now waits in the spool."""

from __future__ import annotations

import argparse
import time

from muster_agent.collect import collect
from muster_agent.commands.failure import Failure
from muster_agent.facts import Tables
from muster_agent.home import Enrolment, Home, Unusable, default_home
from muster_agent.http import BadAddress
from muster_agent.local import LocalMachine
from muster_agent.words import Words

INCOMPLETE = ("unreachable", "no_answer", "not_trusted", "not_muster", "busy")


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """What the command takes."""
    parser.add_argument("--home", metavar="DIR", default=None, help=words("send.home"))


def run(home: Home, enrolment: Enrolment, tables: Tables, words: Words) -> int:
    """Sign ``tables``, spool them, send what waits, say what happened; returns the exit code."""
    from muster_agent.keys import SigningKey  # needs cryptography; --help must do without
    from muster_agent.report import sign
    from muster_agent.send import deliver
    from muster_agent.spool import Spool

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
    for line in summary(tables, words):
        print(line)
    if dropped:
        print(words("run.dropped", count=dropped))
    if spool.damaged:
        print(words("run.damaged", count=len(spool.damaged), folder=home.refused))
    if delivery.code is None and home.state().seq == seq:
        print(words("run.delivered", count=delivery.delivered, seq=seq, size=len(signed.body), server=enrolment.server))
        return 3 if spool.damaged else 0
    if delivery.waiting:
        print(words("run.waiting", count=delivery.waiting, folder=home.spool))
    if delivery.refused:
        print(words("run.refused", count=delivery.refused, folder=home.refused))
    code = delivery.code or "not_delivered"
    return Failure(code, delivery.detail, 3 if code in INCOMPLETE else 5).show(words)


def summary(tables: Tables, words: Words) -> list[str]:
    """What was collected, in one line, and one line for each table that was not."""
    collected = sum(table.rows is not None for table in tables.values())
    lines = [words("run.collected", count=collected, total=len(tables))]
    for name, table in tables.items():
        if table.problem is not None:
            lines.append(f"  {name}: {words.reason(table.problem.code, table.problem.detail)}")
    return lines


def moment() -> str:
    """Now, by this PC's clock, as the envelope wants it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def main(arguments: argparse.Namespace, words: Words) -> int:
    """Run the command."""
    try:
        home = Home(arguments.home or default_home())
        with home.lock():
            enrolment = home.enrolment()
            if enrolment is None:
                raise Failure("not_yet_enrolled", str(home.path))
            return run(home, enrolment, collect(LocalMachine()), words)
    except Unusable as error:
        return Failure(error.code, error.detail).show(words)
    except BadAddress as error:
        return Failure(str(error), str(home.path / "enrolment.json")).show(words)
    except ImportError:
        return Failure("no_cryptography").show(words)
    except Failure as failure:
        return failure.show(words)
