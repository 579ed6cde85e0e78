"""Enrolment by stick: ``enrol --to FILE`` asks, ``muster import FILE`` answers, ``enrol --answer FILE.answer`` ends it.

What the PC has to remember in between stands in pending.json in its folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from muster_agent.commands.enrol import request
from muster_agent.commands.failure import Failure
from muster_agent.machine import Machine
from muster_agent.sending import conf
from muster_agent.sending.home import Enrolment, Home, State, Unusable, write_durably
from muster_agent.words import Words

FILE = "pending.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def ask(home: Home, path: Path, pending: dict[str, Any], token: str, machine: Machine, words: Words) -> int:
    """Write the request to ``path``; ``pending`` is where this PC is to report to: server, ca, server_key."""
    from muster_agent.sending import stick

    if not path.parent.is_dir():
        raise Failure("no_folder", str(path.parent), 2)
    body, signature = request(home, token, machine)
    remembered = {**pending, "request": hashlib.sha256(body).hexdigest()}
    write_durably(home.path / FILE, json.dumps(remembered, ensure_ascii=False).encode("utf-8"))
    line = stick.Request(stick.Signed(body, signature), token).to_json()
    try:
        stick.write_new(path, stick.single(stick.ENROL_FILE, line))
    except FileExistsError:
        raise Failure("file_exists", str(path), 2) from None
    except OSError as error:
        raise Failure("no_space", f"{path}: {error.strerror}") from None
    print(words("offline.asked", path=path, name=path.name))
    return 0


def answered(home: Home, path: str) -> Enrolment:
    """Read the answer and remember who this PC is. Raises :class:`Failure` and ``stick.BadFile``."""
    from muster_agent.sending import stick
    from muster_agent.sending.keys import verify

    pending = _pending(home)
    with stick.Opened(path) as opened:
        if opened.kind != stick.ENROLLED:
            raise stick.BadFile("other_kind", opened.kind)
        try:
            [signed] = [stick.Signed.from_json(line) for line in opened.lines()]
            said = json.loads(signed.data.decode("utf-8"))
            texts = {name: said[name] for name in ("agent", "unit", "server_key", "digest", "request")}
            sound = all(isinstance(text, str) for text in texts.values()) and type(said["seq"]) is int
        except (ValueError, KeyError, TypeError, RecursionError):
            raise stick.BadFile("damaged") from None
    sound = sound and _ID.fullmatch(texts["agent"]) is not None and 0 <= said["seq"] < 10**17
    sound = sound and texts["unit"] != "" and texts["unit"].isprintable()
    if not sound or not all(_DIGEST.fullmatch(texts[name]) for name in ("server_key", "digest", "request")):
        raise stick.BadFile("damaged")
    prefixed = stick.ENROLLED.encode("ascii") + b"\n" + signed.data
    if not verify(bytes.fromhex(texts["server_key"]), signed.signature, prefixed):
        raise stick.BadFile("not_signed")
    if pending["server_key"] not in (None, texts["server_key"]):
        raise Failure("other_server", pending["server"])
    if texts["request"] != pending["request"]:
        raise stick.BadFile("other_pc", texts["agent"])
    made = Enrolment(pending["server"], texts["agent"], texts["unit"], texts["server_key"], pending["ca"])
    home.enrol(made, State(said["seq"], texts["digest"]))
    conf.forget_token(home)
    (home.path / FILE).unlink()
    return made


def finish(home: Home, path: str, words: Words) -> int:
    """Take in the answer and say who this PC is."""
    from muster_agent.sending.stick import BadFile

    try:
        made = answered(home, path)
    except BadFile as error:
        print(words("stick.bad", path=path, why=words("stick." + error.code, detail=error.detail)))
        return 5
    print(words("enrol.done", server=made.server, unit=made.unit, agent=made.agent))
    print(words("offline.next"))
    return 0


def _pending(home: Home) -> dict[str, Any]:
    path = home.path / FILE
    try:
        found = json.loads(path.read_text("utf-8"))
        kinds = {"server": (str,), "ca": (str, type(None)), "server_key": (str, type(None)), "request": (str,)}
        if set(found) == set(kinds) and all(isinstance(found[name], kind) for name, kind in kinds.items()):
            return dict(found)
    except FileNotFoundError:
        raise Failure("nothing_asked", str(home.path), 2) from None
    except (OSError, ValueError, TypeError, RecursionError):
        pass
    raise Unusable("file_damaged", str(path))
