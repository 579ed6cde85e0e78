"""A report: the tables of one run as one signed body. Tables travel by digest, their rows only when the server may
lack them, so that an unchanged PC sends a few hundred bytes.

The body is canonical JSON (canonical.canonical), gzip-compressed:

    {"agent_version": "0.1.0",
     "bodies": {digest: [row, …], …},           rows of the tables the server may lack
     "manifest": {"tables": {name: {"digest": …, "notes": […], "problem": {…}, "status": …}}},
     "schema": 1}
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any, Collection

from muster_agent import __version__
from muster_agent.canonical import canonical, digest, manifest
from muster_agent.dataclass import dataclass
from muster_agent.facts import Tables
from muster_agent.sending.envelope import Envelope
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey

SCHEMA = 1
ENCODING = "gzip"


@dataclass(frozen=True)
class SignedReport:
    """The three things that travel together, by HTTP, in the spool and on a stick."""

    envelope: bytes  # what is signed: envelope.Envelope
    signature: bytes  # Ed25519, 64 bytes
    body: bytes  # compressed

    def digests(self) -> list[str]:
        """The tables this report names. Raises ``ValueError`` or ``OSError`` when the body is damaged."""
        described = json.loads(gzip.decompress(self.body).decode("utf-8"))["manifest"]["tables"]
        return sorted({table["digest"] for table in described.values() if "digest" in table})

    def to_json(self) -> bytes:
        """One line of JSON, for a file."""
        return canonical({name: base64.b64encode(value).decode("ascii") for name, value in self.__dict__.items()})

    @classmethod
    def from_json(cls, data: bytes) -> SignedReport:
        """Read such a line. Raises ``ValueError`` when it is something else."""
        try:
            found = json.loads(data.decode("ascii"))
        except RecursionError:
            raise ValueError("not a signed report") from None
        names = ("envelope", "signature", "body")
        if not isinstance(found, dict) or set(found) != set(names) or not all(isinstance(found[n], str) for n in names):
            raise ValueError("not a signed report")
        return cls(*(base64.b64decode(found[name], validate=True) for name in names))


def body_of(tables: Tables, known: Collection[str]) -> bytes:
    """The uncompressed body, carrying the rows of every table that is not in ``known``."""
    described, bodies = manifest(tables)
    carried = {name: json.loads(rows.decode("utf-8")) for name, rows in bodies.items() if name not in known}
    body: dict[str, Any] = {
        "agent_version": __version__,
        "bodies": carried,
        "manifest": json.loads(described.decode("utf-8")),
        "schema": SCHEMA,
    }
    return canonical(body)


def packed(data: bytes) -> bytes:
    """``data`` as one gzip stream. gzip.compress would put the time in, and an unchanged PC must send equal bytes."""
    stream = zlib.compressobj(6, zlib.DEFLATED, wbits=31)
    return stream.compress(data) + stream.flush()


def sign(tables: Tables, agent: str, key: SigningKey, last: State, collected_at: str) -> tuple[int, SignedReport]:
    """Sign ``tables`` as the report that follows ``last``; returns its number and the report."""
    body = packed(body_of(tables, last.known))
    boot = tables["boot"].rows if "boot" in tables else None
    envelope = Envelope(
        agent=agent,
        key=key.id,
        seq=last.seq + 1,
        previous=last.digest,
        boot=(boot[0].boot_id if boot else None) or "-",
        collected_at=collected_at,
        encoding=ENCODING,
        body=digest(body),
    )
    data = envelope.to_bytes()
    return envelope.seq, SignedReport(envelope=data, signature=key.sign(data), body=body)
