"""POST /v1/keys: a PC changes its key. Both keys sign the request, so neither can be slipped in by somebody else.

The body is canonical JSON, {"agent": …, "predecessor": id of the old key, "public_key": the new one in hexadecimal}.
Muster-Signature is the new key's, Muster-Predecessor-Signature the old one's, each over MUSTER-ROTATE/1, a line feed
and the body (docs/decisions/0017-one-pc-many-keys.md). Body and signatures are kept as evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from muster_agent.canonical import canonical
from muster_agent.sending.envelope import ROTATE
from muster_agent.sending.keys import verify
from muster_server.receive.door import NOBODY
from muster_server.receive.refusal import Refusal, unauthorised
from muster_server.store.keys import Key, Rotated, Rotation

LIMIT = 1024  # bytes of the body

_AGENT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ID = re.compile(r"[0-9a-f]{16}")
_KEY = re.compile(r"[0-9a-f]{64}")
_AGAIN = 3600  # seconds


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    agent: str
    predecessor: str
    public_key: str


def check(
    data: bytes, signature: bytes, predecessor_signature: bytes, find: Callable[[str, str], Key | None]
) -> Rotation:
    """Check a request. Whether the old key still holds is for the store to say, as it writes. Raises :class:`Refusal`.

    ``find`` knows the keys by agent and key id.
    """
    try:
        asked = msgspec.json.decode(data, type=_Asked)
        exact = canonical(msgspec.to_builtins(asked)) == data
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        exact = False
    if not exact or not (
        _AGENT.fullmatch(asked.agent) and _ID.fullmatch(asked.predecessor) and _KEY.fullmatch(asked.public_key)
    ):
        raise Refusal(422, "bad_rotation", "not a request to change a key")
    public_key = bytes.fromhex(asked.public_key)
    old = find(asked.agent, asked.predecessor)
    # Whoever does not hold both keys waits as long for the answer as one whose PC is not known.
    vouched = verify(NOBODY if old is None else old.public_key, predecessor_signature, ROTATE + data)
    held = verify(public_key, signature, ROTATE + data)
    if old is None or not vouched or not held or old.public_key == public_key:
        raise unauthorised()
    return Rotation(asked.agent, public_key, old.number, data, signature, predecessor_signature)


def refusal(outcome: Rotated) -> Refusal | None:
    """Why the request was not granted; None when it was."""
    if outcome is Rotated.ENDED:
        return Refusal(403, "revoked", "this agent has been revoked, or has another key by now")
    if outcome is Rotated.FORKED:
        return Refusal(409, "conflict", "another key has followed this one already")
    if outcome is Rotated.EARLY:
        return Refusal(429, "too_soon", "the key has just been changed", retry_after=_AGAIN)
    return None
