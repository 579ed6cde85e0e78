"""What comes by stick: the same door, the same decision table and the same receipts as over the network.

Each piece of a file and the audit entry that speaks of it are one transaction, so nothing comes in unrecorded, and an
import that was cut off is simply made again: what is there already is answered as seen before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from muster_agent.canonical import canonical
from muster_agent.sending import stick
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport
from muster_agent.sending.stick import BadFile, Opened, Request, Signed
from muster_server.receive import door
from muster_server.receive.refusal import Refusal
from muster_server.store import agents, audit, keys
from muster_server.store.agents import Agent
from muster_server.store.database import Database
from muster_server.store.reports import Accepted, Incoming, Outcome, accept_all

PIECE = 256  # reports that share a transaction, or
PIECE_BYTES = 8 * 1024 * 1024  # as sent
ACT, ACT_ENROL = "reports.import", "agents.import"


@dataclass
class Taken:
    """What became of one file."""

    outcomes: Counter[str] = field(default_factory=Counter)  # by Outcome, and "refused"
    refusals: Counter[str] = field(default_factory=Counter)  # by the refusal's code
    receipts: dict[str, list[Signed]] = field(default_factory=dict)  # by agent
    bad: BadFile | None = None  # what is wrong with the file itself; what stood before it was taken
    enrolled: Agent | None = None
    answer: bytes = b""  # of a file of enrolment: what is written beside it

    @property
    def good(self) -> int:
        """How many reports are in the store now."""
        return self.outcomes[Outcome.ACCEPTED.value] + self.outcomes[Outcome.DUPLICATE.value]

    @property
    def whole(self) -> bool:
        """Whether everything in the file was taken."""
        return self.bad is None and self.good == self.outcomes.total()


class Stick:
    """Takes files in."""

    def __init__(self, database: Database, key: SigningKey, operator: str, now: Callable[[], datetime] | None = None):
        self._database = database
        self._key = key
        self._operator = operator
        self._now = now or (lambda: datetime.now(UTC))

    def take(self, path: Path) -> Taken:
        """Take one file in. Raises :class:`BadFile` when nothing of it could be read, and ``DatabaseError``."""
        with Opened(path) as opened:
            if opened.kind == stick.BUNDLE:
                return self._reports(path, opened)
            if opened.kind == stick.ENROL_FILE:
                return self._enrolment(path, opened)
            raise BadFile("other_kind", opened.kind)

    def _reports(self, path: Path, opened: Opened) -> Taken:
        taken = Taken()
        for piece in self._pieces(opened, taken):
            self._store(path, opened.agent, piece, taken)
        return taken

    def _pieces(self, opened: Opened, taken: Taken) -> Iterator[list[SignedReport]]:
        """The reports of a file in pieces. What is wrong with the file is noted, and ends it."""
        piece: list[SignedReport] = []
        size = 0
        try:
            for line in opened.lines():
                try:
                    piece.append(SignedReport.from_json(line))
                except ValueError:
                    taken.outcomes["refused"] += 1
                    taken.refusals["not_a_report"] += 1
                    continue
                size += len(line)
                if len(piece) >= PIECE or size >= PIECE_BYTES:
                    yield piece
                    piece, size = [], 0
        except BadFile as error:
            taken.bad = error
        if piece:
            yield piece

    def _store(self, path: Path, agent: str, piece: list[SignedReport], taken: Taken) -> None:
        checked: list[Incoming] = []
        refused: Counter[str] = Counter()
        with self._database.read() as connection:
            for signed in piece:
                try:
                    incoming = door.check_report(signed, lambda pc, id: keys.find(connection, pc, id))
                    if incoming.envelope.agent != agent:
                        raise Refusal(400, "other_agent")
                    checked.append(incoming)
                except Refusal as refusal:
                    refused[refusal.code] += 1
        with self._database.write() as connection:
            done = accept_all(connection, checked, self._now(), self._key.sign) if checked else []
            counts = Counter(one.outcome.value for one in done)
            counts["refused"] = refused.total()
            self._log(connection, ACT, agent, path, {name: count for name, count in sorted(counts.items()) if count})
        taken.outcomes += counts
        taken.refusals += refused
        taken.receipts.setdefault(agent, []).extend(_receipts(done))

    def _enrolment(self, path: Path, opened: Opened) -> Taken:
        lines = list(opened.lines())
        try:
            asked = Request.from_json(lines[0])
        except (ValueError, IndexError):
            raise BadFile("damaged") from None
        try:
            if len(asked.signed.data) > door.ENROLMENT_LIMIT:
                raise Refusal(413, "too_large")
            request = door.check_enrolment(asked.signed.data, asked.signed.signature, asked.token)
        except Refusal:
            raise BadFile("not_taken_in") from None
        with self._database.write() as connection:
            agent = agents.enrol(connection, request, self._now())
            if agent is None:
                raise BadFile("not_taken_in")
            self._log(connection, ACT_ENROL, agent.id, path, {"unit": agent.unit})
        said = {
            "agent": agent.id,
            "unit": agent.unit,
            "server_key": self._key.public.hex(),
            "seq": agent.last_seq,
            "digest": agent.last_digest,
            "request": hashlib.sha256(asked.signed.data).hexdigest(),
        }
        data = canonical(said)
        signed = Signed(data, self._key.sign(stick.ENROLLED.encode("ascii") + b"\n" + data))
        return Taken(enrolled=agent, answer=stick.single(stick.ENROLLED, signed.to_json()))

    def _log(self, connection: Connection, act: str, subject: str, path: Path, detail: dict[str, object]) -> None:
        # Its name only, as text: where the stick was mounted tells nothing.
        name = path.name.encode("utf-8", "backslashreplace").decode("utf-8")[:255]
        audit.append(connection, self._now(), self._operator, act, subject, {"file": name, **detail})


def _receipts(done: list[Accepted]) -> list[Signed]:
    return [Signed(one.receipt.to_bytes(), one.signature) for one in done if one.receipt is not None]


def write_receipts(folder: Path, receipts: dict[str, list[Signed]], now: datetime) -> list[Path]:
    """Write one file a PC, named by the id the server gave it and by the time. Raises ``OSError``."""
    made = []
    for agent, signed in sorted(receipts.items()):
        if signed:
            path = folder / f"muster-{agent[:8]}-{now.astimezone(UTC):%Y%m%d-%H%M%S-%f}.receipts"
            stick.write_new(path, stick.receipts(agent, signed))
            made.append(path)
    return made
