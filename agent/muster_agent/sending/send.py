"""Between stage 1 and stage 2: bring the waiting reports to the server, in order, each until its receipt is here."""

from __future__ import annotations

import base64

from muster_agent.dataclass import dataclass
from muster_agent.sending.envelope import Envelope, Malformed, Receipt
from muster_agent.sending.home import Enrolment, Home, State
from muster_agent.sending.http import Answer, Unreachable, post
from muster_agent.sending.judged import Judged, NotUnderstood, parsed
from muster_agent.sending.keys import verify
from muster_agent.sending.notice import Sent
from muster_agent.sending.report import ENCODING, SignedReport
from muster_agent.sending.spool import Spool

REPORTS = "/v1/reports"
# The server will never take this very report (security.md §2.4): it is put aside, and the next one goes on.
FINAL = {400: "refused", 409: "conflict", 411: "refused", 413: "refused", 415: "refused", 422: "refused"}
# The server will take nothing from this PC for now: everything waits.
WAIT = {401: "not_enrolled", 403: "revoked", 429: "busy", 503: "busy", 507: "busy"}


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


def deliver(home: Home, spool: Spool, enrolment: Enrolment) -> Delivery:
    """Send everything that waits."""
    delivered = refused = 0
    code, detail = None, ""
    missing: tuple[str, ...] = ()
    sent: Sent | None = None
    judged: Judged | None = None
    for path, envelope, signed in spool.waiting():
        try:
            answer = post(enrolment.server, REPORTS, signed.body, headers_of(signed), enrolment.ca)
        except Unreachable as error:
            code, detail = error.code, error.detail
            break
        receipt = receipt_of(answer, envelope, enrolment.server_key) if answer.status in (200, 202) else None
        if receipt is not None:
            wanted = answer.content.get("missing")
            missing = tuple(str(name) for name in wanted) if isinstance(wanted, list) else ()
            known = [name for name in signed.digests() if name not in missing]
            home.save_state(State(envelope.seq, envelope.digest, known))
            spool.remove(path)
            delivered += 1
            sent = Sent(envelope.seq, envelope.collected_at, len(signed.body), receipt.received_at)
            judged = judged_of(answer) or judged
        elif answer.status in FINAL:
            code, detail = FINAL[answer.status], answer.text("detail")
            spool.refuse(path, dict(answer.content))
            refused += 1
        else:
            code = WAIT.get(answer.status, "not_muster")
            detail = answer.text("detail") or enrolment.server
            break
    return Delivery(delivered, len(spool.paths()), refused, code, detail, missing, sent, judged)
