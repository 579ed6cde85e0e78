"""The one door: whatever way a report comes, this is where it is checked before anything else looks at it.

The signature is checked over the exact bytes before anything is unpacked, so that a stranger reaches neither the
decompressor nor the JSON reader.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container

import msgspec

from muster_agent.canonical import canonical, digest
from muster_agent.sending.envelope import ENROL, Envelope, Malformed
from muster_agent.sending.keys import verify
from muster_agent.sending.report import SignedReport
from muster_server.receive.body import decode, unpack
from muster_server.receive.refusal import Refusal, unauthorised
from muster_server.receive.unchanged import Said
from muster_server.store.agents import Request
from muster_server.store.keys import Key
from muster_server.store.reports import Incoming, packed
from muster_server.store.tokens import token_hash

BODY_LIMIT = 2 * 1024 * 1024  # bytes as sent
ENROLMENT_LIMIT = 16 * 1024

NOBODY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")  # RFC 8032, test 1

_KEY = re.compile(r"[0-9a-f]{64}")
_HINT_LIMIT = 255  # characters


def check_report(signed: SignedReport, find: Callable[[str, str], Key | None]) -> Incoming:
    """Check a report from its signature to its types. Raises :class:`Refusal`.

    ``find`` knows the keys by agent and key id. Whether a key still holds is for the store to say, as it writes.
    """
    envelope = envelope_of(signed)
    key = find(envelope.agent, envelope.key)
    check_signature(signed, envelope, key)
    assert key is not None
    return check_body(signed, envelope, key, unpack(signed.body))


def envelope_of(signed: SignedReport) -> Envelope:
    """What a report says of itself; nothing of it is proven yet. Raises :class:`Refusal`."""
    if len(signed.body) > BODY_LIMIT:
        raise Refusal(413, "too_large", f"the body is larger than {BODY_LIMIT} bytes")
    try:
        return Envelope.parse(signed.envelope)
    except Malformed as error:
        raise Refusal(400, "bad_envelope", str(error)) from None


def check_signature(signed: SignedReport, envelope: Envelope, key: Key | None) -> None:
    """Check that the holder of ``key`` signed these very bytes. Raises :class:`Refusal`.

    A stranger whose key is not known waits as long for the answer as one whose signature is wrong.
    """
    good = verify(NOBODY if key is None else key.public_key, signed.signature, signed.envelope)
    if key is None or not good:
        raise unauthorised()
    if hashlib.sha256(signed.body).hexdigest() != envelope.body:
        raise Refusal(400, "bad_body", "the body is not the one that was signed")


def check_body(
    signed: SignedReport, envelope: Envelope, key: Key, plain: bytes, stored: Container[str] = ()
) -> Incoming:
    """Check the unpacked body of a report whose signature is good; the rows of tables that are ``stored`` are checked
    and not packed. Raises :class:`Refusal`."""
    body = decode(plain)
    return Incoming(
        signed=signed,
        envelope=envelope,
        key=key.number,
        manifest=body.described,
        manifest_digest=digest(body.described),
        digests=body.digests,
        bodies={name: packed(rows) for name, rows in body.bodies.items() if name not in stored},
        name=body.name,
    )


def known(signed: SignedReport, envelope: Envelope, key: Key, said: Said) -> Incoming:
    """A report whose signature is good and whose body, the same bytes, has passed :func:`check_body` before."""
    return Incoming(
        signed=signed,
        envelope=envelope,
        key=key.number,
        manifest=said.manifest,
        manifest_digest=said.manifest_digest,
        digests=said.digests,
        bodies={},
        name=None,
    )


class _Enrolment(msgspec.Struct, forbid_unknown_fields=True):
    agent_version: str
    hints: dict[str, str]
    public_key: str
    token: str


def check_enrolment(data: bytes, signature: bytes, token: str) -> Request:
    """Check an enrolment request. Whether the token allows it is for the store to say. Raises :class:`Refusal`."""
    try:
        asked = msgspec.json.decode(data, type=_Enrolment)
        exact = canonical(msgspec.to_builtins(asked)) == data
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        raise Refusal(422, "bad_enrolment", "not an enrolment request") from None
    if not exact or _KEY.fullmatch(asked.public_key) is None:
        raise Refusal(422, "bad_enrolment", "not an enrolment request")
    public_key = bytes.fromhex(asked.public_key)
    # The key that is to be bound signs the request and so proves that the sender holds it.
    if not verify(public_key, signature, ENROL + data) or asked.token != token_hash(token):
        raise unauthorised()
    hint = asked.hints.get
    return Request(
        public_key,
        asked.token,
        name=_text(hint("hostname")) or "-",
        uuid=_text(hint("uuid")),
        serial=_text(hint("hardware_serial")),
        body=data,
        signature=signature,
    )


def _text(said: str | None) -> str | None:
    """What a PC says of itself, as both databases can hold it; None for nothing."""
    return (said or "")[:_HINT_LIMIT].replace("\0", "") or None
