"""Scorecard 2: reports that nobody signed so. 100,000 random bit flips and 40 named attacks; none may be taken in.

python tests/scorecard/forged.py [FLIPS]
"""

from __future__ import annotations

import gzip
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muster_agent.canonical import digest
from muster_agent.facts import Boot, SystemInfo, Table
from muster_agent.sending.envelope import ENROL, FIRST, Envelope, Receipt
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport, sign
from muster_server.receive.door import check_report
from muster_server.receive.refusal import Refusal
from muster_server.store import agents, keys, tokens
from muster_server.store.database import Database
from muster_server.store.reports import Outcome, accept
from muster_server.store.tokens import Terms, token_hash

AT = "2026-11-24T08:00:00Z"
ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    flips: int
    attacks: int
    accepted: list[str]  # what was taken in and must not have been


class Office:
    """Two PCs and the door, without a network: what stands behind it sees the same bytes."""

    def __init__(self, folder: Path) -> None:
        self.database = Database.create(folder / "muster.db")
        self.server_key = SigningKey.generate()
        now = datetime.now(UTC)
        self.keys = [SigningKey.generate(), SigningKey.generate()]
        self.ids = []
        with self.database.write() as connection:
            token = tokens.issue(connection, Terms("unit", 2), "os:test", now, now + timedelta(hours=1))
            for number, key in enumerate(self.keys):
                request = agents.Request(key.public, token_hash(token), f"pc{number}", None, None, b"{}", bytes(64))
                agent = agents.enrol(connection, request, now)
                assert agent is not None
                self.ids.append(agent.id)

    def report(self, pc: int = 0, seq: int = 1, key: SigningKey | None = None, name: str = "pc") -> SignedReport:
        """A good report."""
        tables = {
            "system_info": Table((SystemInfo(hostname=name),)),
            "boot": Table((Boot(boot_id="b0", boot_time="2026-11-24T07:00:00Z"),)),
        }
        return sign(tables, self.ids[pc], key or self.keys[pc], State(seq - 1, FIRST, []), AT)[1]

    def takes(self, signed: SignedReport) -> bool:
        """Whether the door lets it in and the store counts it; nothing is kept."""
        with self.database.write() as connection:
            before = connection.begin_nested()
            try:
                incoming = check_report(signed, lambda agent, key: keys.find(connection, agent, key))
                outcome = accept(connection, incoming, datetime.now(UTC), self.server_key.sign).outcome
            except Refusal:
                return False
            finally:
                before.rollback()
        return outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE)


def resigned(office: Office, signed: SignedReport, **fields: object) -> SignedReport:
    """The report with other fields, signed anew by its PC: what a PC that lies may do."""
    envelope = replace(Envelope.parse(signed.envelope), **fields).to_bytes()  # type: ignore[arg-type]
    return SignedReport(envelope, office.keys[0].sign(envelope), signed.body)


def as_bytes(office: Office, envelope: bytes, body: bytes) -> SignedReport:
    """Bytes that are no envelope, well signed by the PC."""
    return SignedReport(envelope, office.keys[0].sign(envelope), body)


def packed(plain: bytes) -> bytes:
    """gzip."""
    return gzip.compress(plain, mtime=0)


def malleable(signature: bytes) -> bytes:
    """The other signature that a careless verifier takes for the same: S + the group's order."""
    s = int.from_bytes(signature[32:], "little") + ORDER
    return signature[:32] + s.to_bytes(32, "little")


def attacks(office: Office) -> Iterator[tuple[str, SignedReport]]:
    """Each by its name."""
    good, other = office.report(), office.report(1)
    envelope, signature, body = good.envelope, good.signature, good.body
    stranger = SigningKey.generate()

    def text(change: Callable[[bytes], bytes]) -> SignedReport:
        return as_bytes(office, change(envelope), body)

    def line(number: int, value: bytes) -> SignedReport:
        lines = envelope.split(b"\n")
        lines[number] = value
        return as_bytes(office, b"\n".join(lines), body)

    yield "no signature", replace(good, signature=b"")
    yield "a signature of zeros", replace(good, signature=bytes(64))
    yield "a signature cut short", replace(good, signature=signature[:63])
    yield "a signature made longer", replace(good, signature=signature + b"\0")
    yield "another form of the same signature", replace(good, signature=malleable(signature))
    yield "a stranger's key", office.report(key=stranger)
    yield "another PC's key for this PC", office.report(0, key=office.keys[1])
    yield "another PC's signature", replace(good, signature=other.signature)
    yield "another PC's key id, signed by this PC", resigned(office, good, key=Envelope.parse(other.envelope).key)
    yield "this PC's key in another PC's name", resigned(office, good, agent=office.ids[1])
    yield "an agent that does not exist", resigned(office, good, agent="00000000-0000-4000-8000-000000000000")
    yield "the signature of an enrolment", replace(good, signature=office.keys[0].sign(ENROL + envelope))
    receipt = Receipt(office.ids[0], 1, digest(envelope), AT, 1, FIRST).to_bytes()
    yield "a receipt in place of an envelope", as_bytes(office, receipt, body)
    yield "a receipt signed by the server", SignedReport(receipt, office.server_key.sign(receipt), body)
    yield "the server's key for this PC", replace(good, signature=office.server_key.sign(envelope))
    yield "another number", replace(good, envelope=envelope.replace(b"\n1\n", b"\n2\n", 1))
    yield "another report before it", replace(good, envelope=envelope.replace(b"0" * 64, b"1" * 64, 1))
    yield "another body", replace(good, body=office.report(name="other").body)
    yield "another PC's body", replace(good, body=office.report(1, name="other").body)
    yield "the same content packed anew", replace(good, body=gzip.compress(gzip.decompress(body), 1, mtime=1))
    yield "a body with something behind it", replace(good, body=body + b"\0")
    yield "no body", replace(good, body=b"")
    yield "a body cut short, digest and all", resigned(office, replace(good, body=body[:-8]), body=digest(body[:-8]))
    yield "two bodies in one", resigned(office, replace(good, body=body + body), body=digest(body + body))
    bomb = packed(bytes(200_000_000))
    yield "a bomb, well signed", resigned(office, replace(good, body=bomb), body=digest(bomb))
    loose = packed(gzip.decompress(body).replace(b'":', b'" :', 1))
    yield "a body in another form", resigned(office, replace(good, body=loose), body=digest(loose))
    twice = packed(gzip.decompress(body).replace(b'{"agent_version"', b'{"agent_version":"0","agent_version"', 1))
    yield "a key twice", resigned(office, replace(good, body=twice), body=digest(twice))
    yield "number nought", line(3, b"0")
    yield "a number below nought", line(3, b"-1")
    yield "a number with a nought before it", line(3, b"01")
    yield "a number in Arabic digits", line(3, "١".encode())
    yield "a number beyond 63 bits", line(3, b"9223372036854775808")
    yield "an agent in capitals", line(1, office.ids[0].upper().encode())
    yield "a name with a path", line(1, b"../../../../etc/passwd")
    yield "one line more", text(lambda data: data + b"x\n")
    yield "one line less", text(lambda data: data.rpartition(b"\n")[0].rpartition(b"\n")[0] + b"\n")
    yield "no end of line", text(lambda data: data[:-1])
    yield "ends of lines as Windows has them", text(lambda data: data.replace(b"\n", b"\r\n"))
    yield "another kind of statement", line(0, b"MUSTER-REPORT/2")
    yield "an encoding that is not the body's", line(7, b"identity")
    yield "UTF-16", text(lambda data: data.decode().encode("utf-16"))
    yield "a mark before the text", text(lambda data: b"\xef\xbb\xbf" + data)


def run(flips: int, folder: Path, seed: int = 1) -> Figures:
    """Try them all. Raises ``AssertionError`` when the good report is not taken in: then nothing was shown."""
    chance = random.Random(seed)
    office = Office(folder)
    good = office.report()
    assert office.takes(good), "the good report must be taken in"
    accepted = []
    named = 0
    for name, forged in attacks(office):
        named += 1
        if office.takes(forged):
            accepted.append(name)
    parts = {"envelope": good.envelope, "signature": good.signature, "body": good.body}
    sizes = [len(part) for part in parts.values()]
    for _ in range(flips):
        name = chance.choices(list(parts), sizes)[0]
        changed = bytearray(parts[name])
        at = chance.randrange(len(changed) * 8)
        changed[at // 8] ^= 1 << at % 8
        if office.takes(replace(good, **{name: bytes(changed)})):
            accepted.append(f"bit {at} of the {name}")
    office.database.close()
    return Figures(flips, named, accepted)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        found = run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, Path(temporary))
    print(found)
    sys.exit(1 if found.accepted else 0)
