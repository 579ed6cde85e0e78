"""What is signed between a PC and the server, as exact bytes: one line a field, the kind of statement first.

The kind in the first line keeps a signature from being used for anything else. Bytes signed are bytes stored, so
that an auditor can check them years later with openssl and without this code (docs/threat-model.md).

Field by field these are security.md §2.4's envelope and receipt.
"""

from __future__ import annotations

import re

from muster_agent.canonical import digest
from muster_agent.dataclass import dataclass

ENROL = b"MUSTER-ENROL/1\n"  # the agent signs this followed by the exact bytes of its enrolment request
ROTATE = b"MUSTER-ROTATE/1\n"  # both keys of a PC sign this followed by the exact bytes that name them
ROTATED = b"MUSTER-ROTATED/1\n"  # the server signs this followed by the same bytes: it has taken the new key in
FIRST = "0" * 64  # what stands for "the one before" in front of the first of a chain

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"[0-9a-f]{16}")
_BOOT = re.compile(r"[0-9A-Za-z-]{1,64}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")
_SECOND = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # below 2^63, which both databases can hold
_ENCODING = re.compile(r"gzip")


class Malformed(ValueError):
    """Bytes that are not a statement of the expected kind; the message names the field."""


def _fields(data: bytes, kind: str, patterns: tuple[tuple[str, re.Pattern[str]], ...]) -> dict[str, str]:
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("not ASCII") from None
    if lines[0] != kind:
        raise Malformed("kind")
    if len(lines) != len(patterns) + 2 or lines[-1] != "":
        raise Malformed("number of lines")
    found = {}
    for (name, pattern), value in zip(patterns, lines[1:]):
        if pattern.fullmatch(value) is None:
            raise Malformed(name)
        found[name] = value
    return found


@dataclass(frozen=True)
class Envelope:
    """What a PC signs for each report."""

    agent: str  # UUID the server gave at enrolment
    key: str  # id of the signing key: the first 16 hex digits of the SHA-256 of the public key
    seq: int  # 1, 2, 3 … without a gap
    previous: str  # digest of the envelope before, FIRST for the first
    boot: str  # id of the running start of the system; - where there is none
    collected_at: str  # the PC's clock, UTC; information, never authentication
    encoding: str  # how the body is encoded: gzip
    body: str  # SHA-256 of the body as sent, so that it is checked before it is unpacked

    KIND = "MUSTER-REPORT/1"
    _PATTERNS = (
        ("agent", _UUID),
        ("key", _KEY),
        ("seq", _NUMBER),
        ("previous", _DIGEST),
        ("boot", _BOOT),
        ("collected_at", _SECOND),
        ("encoding", _ENCODING),
        ("body", _DIGEST),
    )

    def to_bytes(self) -> bytes:
        """The bytes that are signed."""
        return "\n".join([self.KIND, *(str(getattr(self, name)) for name, _ in self._PATTERNS), ""]).encode("ascii")

    @classmethod
    def parse(cls, data: bytes) -> Envelope:
        """Read signed bytes. Raises :class:`Malformed`."""
        found = _fields(data, cls.KIND, cls._PATTERNS)
        return cls(**{**found, "seq": int(found["seq"])})  # type: ignore[arg-type]

    @property
    def digest(self) -> str:
        """SHA-256 of the signed bytes: the name of this report."""
        return digest(self.to_bytes())


@dataclass(frozen=True)
class Receipt:
    """What the server signs for each report it has durably stored."""

    agent: str
    seq: int
    report: str  # digest of the report's envelope
    received_at: str  # the server's clock, UTC
    position: int  # place in the server's own chain of everything it accepted
    chain: str  # head of that chain after this report

    KIND = "MUSTER-RECEIPT/1"
    _PATTERNS = (
        ("agent", _UUID),
        ("seq", _NUMBER),
        ("report", _DIGEST),
        ("received_at", _MOMENT),
        ("position", _NUMBER),
        ("chain", _DIGEST),
    )

    def to_bytes(self) -> bytes:
        """The bytes that are signed."""
        return "\n".join([self.KIND, *(str(getattr(self, name)) for name, _ in self._PATTERNS), ""]).encode("ascii")

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """Read signed bytes. Raises :class:`Malformed`."""
        found = _fields(data, cls.KIND, cls._PATTERNS)
        return cls(**{**found, "seq": int(found["seq"]), "position": int(found["position"])})  # type: ignore[arg-type]


def chain_head(before: str, report: str, received_at: str) -> str:
    """The head of the server's chain once ``report`` follows ``before``."""
    return digest(f"{before}\n{report}\n{received_at}\n".encode("ascii"))
