"""muster-agent receipts: take in the receipts for reports that went by stick, and empty the spool of them."""

from __future__ import annotations

import argparse
import sys

from muster_agent.commands.failure import Failure
from muster_agent.commands.run import moment, put_up
from muster_agent.sending.envelope import Malformed, Receipt
from muster_agent.sending.home import Enrolment, Home, State, Unusable
from muster_agent.sending.notice import Notice, Sent
from muster_agent.sending.owners import must_be_ours
from muster_agent.sending.places import default_home
from muster_agent.words import Words


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """What the command takes."""
    parser.add_argument("files", metavar="FILE", nargs="+", help=words("receipts.files"))
    parser.add_argument("--home", metavar="DIR", default=None, help=words("send.home"))


def understood(path: str, enrolment: Enrolment) -> list[Receipt]:
    """The receipts in a file that this PC's server signed for this PC. Raises ``stick.BadFile``."""
    from muster_agent.sending import stick
    from muster_agent.sending.keys import verify

    found = []
    with stick.Opened(path) as opened:
        if opened.kind != stick.RECEIPTS:
            raise stick.BadFile("other_kind", opened.kind)
        if opened.agent != enrolment.agent:
            raise stick.BadFile("other_pc", opened.agent)
        for line in opened.lines():
            try:
                signed = stick.Signed.from_json(line)
                receipt = Receipt.parse(signed.data)
            except (ValueError, Malformed):
                raise stick.BadFile("damaged") from None
            if not verify(bytes.fromhex(enrolment.server_key), signed.signature, signed.data):
                raise stick.BadFile("not_signed")
            found.append(receipt)
    return [receipt for receipt in found if receipt.agent == enrolment.agent]


def take_in(home: Home, receipts: list[Receipt]) -> list[Sent]:
    """Let go what is acknowledged. The next report carries every table: what the server lacks is not known here."""
    from muster_agent.sending.spool import Spool

    spool = Spool(home)
    by_report = {receipt.report: receipt for receipt in receipts}
    gone = []
    for path, envelope, signed in spool.waiting():
        receipt = by_report.get(envelope.digest)
        if receipt is None or receipt.seq != envelope.seq:
            continue
        if envelope.seq > home.state().seq:
            home.save_state(State(envelope.seq, envelope.digest, []))
        spool.remove(path)
        gone.append(Sent(envelope.seq, envelope.collected_at, len(signed.body), receipt.received_at))
    return gone


def receive(home: Home, files: list[str], words: Words) -> int:
    """Take in every file; a bad one is named and the rest go on."""
    from muster_agent.sending.spool import Spool
    from muster_agent.sending.stick import BadFile

    enrolment = home.enrolment()
    if enrolment is None:
        raise Failure("not_yet_enrolled", str(home.path))
    bad = 0
    last: Sent | None = None
    for path in files:
        try:
            gone = take_in(home, understood(path, enrolment))
        except BadFile as error:
            bad += 1
            print(words("stick.bad", path=path, why=words("stick." + error.code, detail=error.detail)), file=sys.stderr)
            continue
        print(words("receipts.done", count=len(gone), path=path))
        last = max([one for one in (last, *gone) if one is not None], key=lambda one: one.seq, default=None)
    waiting = len(Spool(home).paths())
    if waiting:
        print(words("receipts.waiting", count=waiting))
    if last is not None:
        put_up(home, Notice(moment(), enrolment.server, enrolment.unit, waiting=waiting, sent=last))
    return 0 if not bad else 3 if bad < len(files) else 5


def main(arguments: argparse.Namespace, words: Words) -> int:
    """Run the command."""
    try:
        place = arguments.home or default_home()
        must_be_ours(place)
        home = Home(place)
        with home.lock():
            return receive(home, arguments.files, words)
    except Unusable as error:
        return Failure(error.code, error.detail).show(words)
    except ImportError:
        return Failure("no_cryptography").show(words)
    except Failure as failure:
        return failure.show(words)
