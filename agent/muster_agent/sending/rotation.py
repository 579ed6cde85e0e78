"""A PC changes its key, so that one that was read off a disk is not good for ever: POST /v1/keys.

It does so when its key is a year old, and when the server asks for it with the answer to a report. That is one bit and
no command: it can make the PC do nothing but this (docs/threat-model.md).

1. the new key is made and lies durably beside the old one       key.next.pem
2. both sign what names the new one, and the server is told      rotation.json keeps these bytes, no secret
3. the server's signed answer is here: the new key replaces the old one in one rename

A crash after any step leaves the old key, and the next run asks the same again, which the server answers as before. The
old key holds for seven days, so reports that it signed still arrive. The chain of reports goes on under the new key.
"""

from __future__ import annotations

import base64
import json
import os
import re
from typing import Any

from muster_agent.canonical import canonical
from muster_agent.dataclass import dataclass
from muster_agent.sending.envelope import ROTATE, ROTATED
from muster_agent.sending.home import NEXT_KEY, Enrolment, Home, Unusable, sync_folder, write_durably
from muster_agent.sending.http import Unreachable, post
from muster_agent.sending.keys import SigningKey, verify

PATH = "/v1/keys"
ASKED = "rotation.json"  # the last request, which a server that was restored from a backup may need once more
YEAR = 365 * 24 * 3600  # seconds
# The server will never take this very key: another one has to be made, if any.
FINAL = {401: "not_enrolled", 403: "revoked", 409: "conflict", 422: "refused"}
WAIT = {404: "too_old", 429: "busy", 503: "busy", 507: "busy"}

_BASE64 = re.compile(r"[A-Za-z0-9+/]{1,2000}={0,2}")


@dataclass(frozen=True)
class Outcome:
    """What became of a change: a key of words/send.json says why there was none; None: the PC has its new key."""

    code: str | None = None
    detail: str = ""


def due(home: Home, now: float) -> bool:
    """Whether the key is a year old, by the file it lies in. A wrong clock makes a change too many, never a loop: the
    new file is as old as that clock says."""
    try:
        return now - os.stat(str(home.key)).st_mtime > YEAR
    except OSError:
        return False


def begun(home: Home) -> bool:
    """Whether a change was begun and has not come to its end."""
    return (home.path / NEXT_KEY).exists()


def change(home: Home, enrolment: Enrolment) -> Outcome:
    """Change the key, or bring a change that was begun to its end. Raises ``OSError`` and :class:`Unusable`."""
    old, new = SigningKey.load(home.private_key()), _next(home)
    body = canonical({"agent": enrolment.agent, "predecessor": old.id, "public_key": new.public.hex()})
    asked = {"body": body, "new": new.sign(ROTATE + body), "old": old.sign(ROTATE + body)}
    write_durably(home.path / ASKED, json.dumps({name: _text(value) for name, value in asked.items()}).encode("ascii"))
    outcome = _ask(enrolment, asked)
    if outcome.code is None:
        os.replace(str(home.path / NEXT_KEY), str(home.key))
        sync_folder(home.path)
    elif outcome.code in FINAL.values():
        os.unlink(str(home.path / NEXT_KEY))
        sync_folder(home.path)
    return outcome


def remind(home: Home, enrolment: Enrolment) -> Outcome | None:
    """Tell the server of the last change once more; None where there was none, or it was another agent's.

    A server that was restored from a backup may know the key before and not the one of now. Nothing changes here.
    """
    try:
        found: Any = json.loads((home.path / ASKED).read_text("ascii"))
        good = isinstance(found, dict) and set(found) == {"body", "new", "old"}
        if not good or not all(isinstance(value, str) and _BASE64.fullmatch(value) for value in found.values()):
            return None
        asked = {name: base64.b64decode(value) for name, value in found.items()}
        named = json.loads(asked["body"].decode("ascii"))
        mine = SigningKey.load(home.private_key()).public.hex()
        if named["agent"] != enrolment.agent or named["public_key"] != mine:
            return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError, Unusable):
        return None
    return _ask(enrolment, asked)


def _next(home: Home) -> SigningKey:
    path = str(home.path / NEXT_KEY)
    try:
        return SigningKey.load(path)
    except FileNotFoundError:
        pass
    except ValueError:
        os.unlink(path)  # a damaged disk; the server knows it or not, the old key holds either way
    made = SigningKey.generate()
    made.save(path)
    sync_folder(home.path)
    return made


def _ask(enrolment: Enrolment, asked: dict[str, bytes]) -> Outcome:
    headers = {"Muster-Signature": _text(asked["new"]), "Muster-Predecessor-Signature": _text(asked["old"])}
    try:
        answer = post(enrolment.server, PATH, asked["body"], headers, enrolment.ca)
    except Unreachable as error:
        return Outcome(error.code, error.detail)
    if answer.status in (200, 201):
        try:
            signature = base64.b64decode(answer.text("signature"), validate=True)
            good = verify(bytes.fromhex(enrolment.server_key), signature, ROTATED + asked["body"])
        except ValueError:
            good = False
        # Whoever answers in the server's place must not make the PC give up a key that holds.
        return Outcome() if good else Outcome("not_muster", enrolment.server)
    if not answer.text("error"):
        return Outcome("not_muster", enrolment.server)
    code = FINAL.get(answer.status) or WAIT.get(answer.status, "server_failed")
    return Outcome(code, answer.text("detail"))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
