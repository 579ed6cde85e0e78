"""Checks an export without the deployment it came from: what openssl can check, and that the parts belong together."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from muster_agent.sending.envelope import ENROL, FIRST, ROTATE, Envelope, Malformed, Receipt, chain_head
from muster_agent.sending.keys import key_id, verify
from muster_server.evidence.export import CHAIN, FORMAT, RECORD, SERVER, from_pem, number_name
from muster_server.evidence.findings import Findings
from muster_server.evidence.opening import Files, NotAnExport, expected

PLACE = re.compile(rb"([1-9][0-9]{0,17}) ([0-9a-f]{64}) ([0-9a-f]{64}) ([0-9A-Z:.-]{20,27}) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Checked:
    """What a check of an export found."""

    findings: Findings
    agent: str
    name: str  # what the PC calls itself
    server_key: bytes
    first: int | None
    last: int | None


@dataclass(frozen=True)
class _Key:
    public: bytes
    former: str | None  # id of the key that vouched for it


def check(
    files: Files, progress: Callable[[int, int], None] = lambda done, total: None, server_key: bytes | None = None
) -> Checked:
    """Check all of it. ``server_key`` is the server's public key as it is known from elsewhere: an export holds one of
    its own, and who forges an export forges that too. Raises :class:`NotAnExport` when there is too little to check."""
    findings = Findings()
    try:
        record = json.loads(files.read(RECORD))
        agent, name = record["pc"]["id"], record["pc"]["name"]
        if record["format"] != FORMAT or not isinstance(agent, str) or not isinstance(name, str):
            raise NotAnExport(RECORD)
        server = from_pem(files.read(SERVER))
        wanted = record["reports"]["count"], record["reports"]["first"], record["reports"]["last"]
        formers = {key["id"]: key["former_key"] for key in record["keys"]}
        if not all(isinstance(part, str) for part in formers):
            raise NotAnExport(RECORD)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotAnExport(str(error)) from None
    if server_key is not None and server_key != server:
        findings.add("server_key", found=hashlib.sha256(server).hexdigest())
    names = files.names()
    for strange in sorted(one for one in names if not expected(one)):
        findings.add("strange_file", name=strange[:100])
    looking = _Looking(files, findings, agent, server)
    looking.keys(formers)
    looking.places()
    numbers = sorted(int(one[8:-9]) for one in names if one.startswith("reports/") and one.endswith(".envelope"))
    for done, number in enumerate(numbers, 1):
        looking.report(number)
        progress(done, len(numbers))
    if wanted != (len(numbers), *((numbers[0], numbers[-1]) if numbers else (None, None))):
        findings.add("count", wanted=str(wanted[0]), found=len(numbers))
    for one in sorted(one for one in names if one.startswith("conflicts/") and one.endswith(".envelope")):
        looking.conflict(one[: -len(".envelope")])
    return Checked(findings, agent, name, server, *((numbers[0], numbers[-1]) if numbers else (None, None)))


class _Looking:
    def __init__(self, files: Files, findings: Findings, agent: str, server: bytes) -> None:
        self._files = files
        self._findings = findings
        self._agent = agent
        self._server = server
        self._keys: dict[str, _Key] = {}
        self._place: dict[int, tuple[str, str, str]] = {}  # by position: report, received_at, head after
        self._seq = 0
        self._digest = FIRST

    def keys(self, formers: dict[str, str | None]) -> None:
        """Each key, and what bound it: its own signature over its enrolment or rotation, and of the one before."""
        for id, former in formers.items():
            try:
                self._keys[id] = _Key(from_pem(self._files.read(f"keys/{id}.pem")), former)
            except ValueError as error:
                self._findings.add("key", key=id[:16], agent=self._agent, problem=str(error)[:100])
        for id, key in self._keys.items():
            self._findings.count("keys")
            try:
                signed = self._files.read(f"keys/{id}.signed")
                kind = ENROL if key.former is None else ROTATE
                sound = key_id(key.public) == id and signed.startswith(kind)
                sound = sound and json.loads(signed[len(kind) :])["public_key"] == key.public.hex()
                sound = sound and verify(key.public, self._files.read(f"keys/{id}.signature"), signed)
                if key.former is not None:
                    voucher = self._files.read(f"keys/{id}.former.signature")
                    sound = sound and verify(self._keys[key.former].public, voucher, signed)
            except (ValueError, KeyError, TypeError, RecursionError):
                sound = False
            if not sound:
                self._findings.add("key_signature", key=id[:16], agent=self._agent)

    def places(self) -> None:
        """The places in the server's chain."""
        last: tuple[int, str] | None = None
        for number, line in enumerate(self._files.read(CHAIN).splitlines(), 1):
            found = PLACE.fullmatch(line)
            if found is None:
                self._findings.add("place", line=number)
                continue
            position, (before, report, at, after) = int(found[1]), (part.decode("ascii") for part in found.groups()[1:])
            sound = chain_head(before, report, at) == after
            sound = sound and (last is None or position > last[0])
            if last is not None and position == last[0] + 1:
                sound = sound and before == last[1]
            if not sound:
                self._findings.add("place", line=number)
            last = position, after
            self._place[position] = report, at, after
            self._findings.count("places")

    def report(self, number: int) -> None:
        """One report: what was signed, by whom, its body, the receipt, its place."""
        name = f"reports/{number_name(number)}"
        self._findings.count("reports")
        try:
            data = self._files.read(f"{name}.envelope")
            envelope = Envelope.parse(data)
            problem = self._problem_with(name, data, envelope, number)
        except Malformed as error:
            problem = str(error)
        except NotAnExport as error:
            problem = f"? {error}"
        else:
            self._follow(envelope)
        if problem is not None:
            self._findings.add("report", seq=number, problem=problem)

    def _problem_with(self, name: str, data: bytes, envelope: Envelope, number: int) -> str | None:
        read = self._files.read
        key = self._keys.get(envelope.key)
        if key is None or not verify(key.public, read(f"{name}.signature"), data):
            return "signature"
        if (envelope.agent, envelope.seq) != (self._agent, number):
            return "agent, seq"
        if hashlib.sha256(read(f"{name}.body")).hexdigest() != envelope.body:
            return "body"
        receipt_data = read(f"{name}.receipt")
        receipt = Receipt.parse(receipt_data)
        if not verify(self._server, read(f"{name}.receipt.signature"), receipt_data):
            return "receipt.signature"
        if (receipt.agent, receipt.seq, receipt.report) != (self._agent, number, envelope.digest):
            return "receipt"
        if self._place.get(receipt.position) != (receipt.report, receipt.received_at, receipt.chain):
            return "chain"
        return None

    def _follow(self, envelope: Envelope) -> None:
        """The PC's own chain, from the first report of the export."""
        if envelope.seq == self._seq + 1:
            if envelope.previous != self._digest:
                self._findings.fork(self._agent, envelope.seq)
        elif self._seq:
            self._findings.gap(self._agent, self._seq + 1, envelope.seq - 1)
        self._seq, self._digest = envelope.seq, envelope.digest

    def conflict(self, name: str) -> None:
        """A report that was kept without counting."""
        self._findings.count("conflicts")
        try:
            data = self._files.read(f"{name}.envelope")
            envelope = Envelope.parse(data)
            key: Any = self._keys[envelope.key]
            sound = verify(key.public, self._files.read(f"{name}.signature"), data) and envelope.agent == self._agent
            sound = sound and hashlib.sha256(self._files.read(f"{name}.body")).hexdigest() == envelope.body
        except (ValueError, KeyError):
            sound = False
        if not sound:
            self._findings.add("conflict", id=name, agent=self._agent)
