"""Between stage 1 and stage 2: bring the waiting reports to the server, in order, each until its receipt is here."""

from __future__ import annotations

import base64
import random
import time
from pathlib import Path
from typing import Any, Callable

from muster_agent.dataclass import dataclass
from muster_agent.sending.envelope import Envelope, Malformed, Receipt
from muster_agent.sending.home import Enrolment, Home, State, Unusable
from muster_agent.sending.http import Answer, Line, Unreachable
from muster_agent.sending.judged import Judged, NotUnderstood, parsed
from muster_agent.sending.keys import SigningKey, verify
from muster_agent.sending.notice import Sent
from muster_agent.sending.pace import SHORT, SPREAD, TRIES, Pace, longer
from muster_agent.sending.report import ENCODING, SignedReport
from muster_agent.sending.spool import Spool

REPORTS = "/v1/reports"
# The server will never take this very report (security.md §2.4): it is put aside, and the next one goes on.
FINAL = {400: "refused", 409: "conflict", 411: "refused", 413: "refused", 415: "refused", 422: "refused"}
DAMAGED = tuple(status for status in FINAL if status != 409)  # of these, what the way may have done to a report
# The server will take nothing from this PC for now: everything waits.
WAIT = {401: "not_enrolled", 403: "revoked", 408: "busy", 429: "busy", 503: "busy", 507: "busy"}
BUSY = (408, 429, 503, 507)


# What a server, or something in front of it, may say because of this very report and of no other.
OVER_IT = (400, 403, 413, 414, 422, 500)


@dataclass(frozen=True)
class Delivery:
    """What became of the waiting reports."""

    delivered: int = 0
    waiting: int = 0
    refused: int = 0
    code: str | None = None  # why something waits or was refused: a key of words/send.json
    detail: str = ""
    missing: tuple[str, ...] = ()  # tables whose rows the server lacks and wants in the next report
    sent: Sent | None = None  # the last one delivered
    judged: Judged | None = None  # what the server said with it of this PC
    retry_after: float | None = None  # seconds after which the server wants this PC back
    stuck: int = 0  # number of the report the server failed over; 0: none
    clock: int | None = None  # seconds the server's clock is ahead of this PC's, by the server's word
    rekey: bool = False  # whether the server asked this PC to change its key
    awaiting: bool | None = None  # whether an administrator has yet to approve this PC; None: not told


def headers_of(signed: SignedReport) -> dict[str, str]:
    """The HTTP headers that carry envelope and signature."""
    return {
        "Content-Encoding": ENCODING,
        "Muster-Envelope": base64.b64encode(signed.envelope).decode("ascii"),
        "Muster-Signature": base64.b64encode(signed.signature).decode("ascii"),
    }


def receipt_of(answer: Answer, envelope: Envelope, server_key: str) -> Receipt | None:
    """The receipt in ``answer``, or None unless it is the server's own and speaks of this very report."""
    try:
        data = base64.b64decode(answer.text("receipt"), validate=True)
        signature = base64.b64decode(answer.text("signature"), validate=True)
        receipt = Receipt.parse(data)
        trusted = verify(bytes.fromhex(server_key), signature, data)
    except (ValueError, Malformed):
        return None
    mine = (receipt.agent, receipt.seq, receipt.report) == (envelope.agent, envelope.seq, envelope.digest)
    return receipt if trusted and mine else None


def judged_of(answer: Answer) -> Judged | None:
    """What the server says of this PC. It is text for a person: what is not understood is left out, nothing fails."""
    try:
        return parsed(answer.content.get("judged"))
    except NotUnderstood:
        return None


def clock_of(answer: Answer) -> int | None:
    """How many seconds the server's clock is ahead of this PC's, as it says; None where it does not."""
    found = answer.content.get("clock")
    return found if type(found) is int and abs(found) < 10**11 else None


def deliver(
    home: Home,
    spool: Spool,
    enrolment: Enrolment,
    pace: Pace = Pace(),  # noqa: B008  # it cannot be changed
    wait: Callable[[float], None] | None = None,
) -> Delivery:
    """Send everything that waits. ``wait`` sleeps, where there is time for it: not while a person waits."""
    return _Sending(home, spool, enrolment, pace, wait).all()


class _Sending:
    """One attempt to send everything."""

    def __init__(
        self, home: Home, spool: Spool, enrolment: Enrolment, pace: Pace, wait: Callable[[float], None] | None
    ) -> None:
        self.home, self.spool, self.enrolment, self.pace, self.wait = home, spool, enrolment, pace, wait
        self.delivered = self.refused = self.stuck = 0
        self.code: str | None = None  # why the report in hand waits
        self.detail = ""
        self.final: tuple[str, str] | None = None  # why one was refused; the others may have gone well
        self.retry_after: float | None = None
        self.missing: tuple[str, ...] = ()
        self.sent: Sent | None = None
        self.judged: Judged | None = None
        self.clock: int | None = None
        self.rekey = False
        self.awaiting: bool | None = None
        self.suspect: tuple[Path, dict[str, Any]] | None = None  # a report that may be at fault, or the server

    def all(self) -> Delivery:
        """Send in order until all are sent or the server takes no more."""
        with Line(self.enrolment.server, self.enrolment.ca) as line:
            for path, envelope, signed in self.spool.waiting():
                if self.delivered == 1 and self.pace.failures and self.wait is not None:
                    self.wait(random.uniform(0.0, SPREAD))  # noqa: S311  # the server is back for all PCs at once
                if not self.one(line, path, envelope, signed):
                    break
        if self.code is None and self.final is not None:
            self.code, self.detail = self.final
        return Delivery(
            self.delivered,
            len(self.spool.paths()),
            self.refused,
            self.code,
            self.detail,
            self.missing,
            self.sent,
            self.judged,
            self.retry_after,
            self.stuck,
            self.clock,
            self.rekey,
            self.awaiting,
        )

    def one(self, line: Line, path: Path, envelope: Envelope, signed: SignedReport) -> bool:
        """Send one report; returns whether the next may go."""
        headers = headers_of(signed)
        tries = 0
        while True:
            headers["Muster-Sent-At"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            try:
                answer = line.post(REPORTS, signed.body, headers)
            except Unreachable as error:
                answer = Answer(error.status or 0, {}, error.retry_after)
                self.code, self.detail = error.code, error.detail
            else:
                self.code, self.detail = None, ""
            asked = answer.retry_after
            if self.wait is not None and asked is not None and asked <= SHORT and answer.status in BUSY:
                wait, self.wait = self.wait, None  # once in a run
                wait(longer(asked))
                continue
            tries += 1
            if self.code is not None or answer.status not in DAMAGED or tries == TRIES:
                break
            line.close()  # it may have been damaged on the way; if it is the report itself, the answer will be the same
        return self.understood(answer, path, envelope, signed)

    def understood(self, answer: Answer, path: Path, envelope: Envelope, signed: SignedReport) -> bool:
        """Do what the answer says; returns whether the next report may go."""
        receipt = None
        if self.code is None and answer.status in (200, 202):
            receipt = receipt_of(answer, envelope, self.enrolment.server_key)
        if receipt is not None:
            self.accepted(answer, receipt, path, envelope, signed)
            return True
        if self.code is None and answer.status in FINAL and answer.text("error"):
            self.final = FINAL[answer.status], answer.text("detail")
            self.spool.refuse(path, dict(answer.content))
            self.refused += 1
            return True
        if self.code is None and answer.status == 403 and answer.text("error") and self.of_former_key(envelope):
            self.spool.refuse(path, dict(answer.content))  # the key has ended since, and the PC has another
            self.final = "revoked", answer.text("detail")
            self.refused += 1
            return True
        self.retry_after = answer.retry_after
        known = self.code is None and answer.text("error") != ""
        if self.code is None:
            self.code = WAIT.get(answer.status, "server_failed" if known and answer.status >= 500 else "not_muster")
            self.detail = answer.text("detail") or self.enrolment.server
        if answer.status not in OVER_IT or (known and answer.status in WAIT) or self.suspect is not None:
            return False
        self.stuck = envelope.seq
        if self.pace.stuck_at(envelope.seq).tries < TRIES:
            return False
        # Time and again over the same report: if the server takes the next one, it was this one that it cannot take.
        self.suspect = path, dict(answer.content)
        return True

    def of_former_key(self, envelope: Envelope) -> bool:
        """Whether a report was signed with another key than the one this PC has now."""
        try:
            return SigningKey.load(self.home.private_key()).id != envelope.key
        except (OSError, ValueError, Unusable):
            return False

    def accepted(self, answer: Answer, receipt: Receipt, path: Path, envelope: Envelope, signed: SignedReport) -> None:
        """The server has it."""
        wanted = answer.content.get("missing")
        self.missing = tuple(str(name) for name in wanted) if isinstance(wanted, list) else ()
        known = [name for name in signed.digests() if name not in self.missing]
        self.home.save_state(State(envelope.seq, envelope.digest, known))
        self.spool.remove(path)
        self.delivered += 1
        self.sent = Sent(envelope.seq, envelope.collected_at, len(signed.body), receipt.received_at)
        self.judged = judged_of(answer) or self.judged
        self.clock = clock_of(answer)
        self.rekey = answer.content.get("rekey") is True
        self.awaiting = answer.content.get("awaiting") is True
        if self.suspect is not None:
            self.spool.refuse(*self.suspect)
            self.suspect, self.stuck = None, 0
            self.refused += 1
            self.final = "refused", ""
