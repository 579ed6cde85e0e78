"""The acts of administrators over HTTP, and the log of all acts.

An act goes through the one runner (acts/performing.py) in the one thread that writes; whether the credential still
holds is looked at once more inside the act's own transaction, so that none is done with one that was just revoked.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import msgspec
from anyio import to_thread
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from muster_server.access import credentials
from muster_server.access.roles import Need, may
from muster_server.acts.act import Refused
from muster_server.acts.performing import ACTS, perform
from muster_server.receive.app import bounded_body
from muster_server.receive.refusal import Refusal, unauthorised
from muster_server.receive.writer import Writer
from muster_server.store import audit
from muster_server.store.database import Database
from muster_server.store.readers import Reader
from muster_server.web.declared import Parameter
from muster_server.web.forms import wrong

BODY_LIMIT = 64 * 1024
DEPTH = 16  # of nested values: acts ask for lists of text at most
PAGE = 500  # entries of the log in one answer
MOST = 5000
LOCAL = frozenset({"tls.record"})  # acts that only log what was done to the server's own files
STATUS = {"unknown_act": 404, "bad_request": 422}

AFTER = Parameter("after", "Entries behind this position.", {"type": "integer", "minimum": 0, "maximum": 2**53})
LIMIT = Parameter("limit", "At most so many entries.", {"type": "integer", "minimum": 1, "maximum": MOST})


class ActRefused(Exception):
    """An act said no: its code and its values, from which the wording makes a line."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code)
        self.code = refused.code
        self.values = {name: _plain(value) for name, value in refused.values.items()}
        self.status = STATUS.get(refused.code, 409)


class Acting:
    """The handlers of acts and of their log."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    async def act(self, request: Request, reader: Reader) -> Response:
        """Do an act."""
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "bad_type", "an act is asked for in application/json")
        asked = decoded(await bounded_body(request, BODY_LIMIT))
        name, authorization = request.path_params["act"], request.headers["Authorization"]
        if name not in acts():
            raise ActRefused(Refused("unknown_act", act=name[:100]))

        def job(connection: Connection) -> dict[str, Any]:
            now = datetime.now(UTC)
            still = credentials.check(connection, authorization, now)
            if still is None or not may(still, Need.ACT):
                raise unauthorised()
            return perform(connection, name, asked, f"reader:{still.name}", now)

        try:
            answer = await asyncio.wrap_future(self._writer.submit(job))
        except Refused as error:
            raise ActRefused(error) from None
        return Response(msgspec.json.encode(answer), media_type="application/json")

    async def audit(self, request: Request, reader: Reader) -> Response:
        """The log, oldest first."""
        after, limit = _whole(request, "after", 0, 2**53), _whole(request, "limit", 1, MOST)
        entries = await to_thread.run_sync(self._entries, after or 0, limit or PAGE)
        more = len(entries) > (limit or PAGE)
        del entries[limit or PAGE :]
        return JSONResponse({"entries": entries, "next": entries[-1]["position"] if more else None})

    def _entries(self, after: int, limit: int) -> list[dict[str, Any]]:
        with self._database.read() as connection:
            # From the beginning, because whether an entry is sound depends on all before it.
            later = (entry for entry in audit.entries(connection) if entry.position > after)
            return [
                {"position": one.position, **asdict(one.entry), "chain": one.chain, "sound": one.sound}
                for one in itertools.islice(later, limit + 1)
            ]


def acts() -> dict[str, str]:
    """The acts that are done over HTTP, by name, with the module of each."""
    return {name: module for name, module in ACTS.items() if name not in LOCAL}


def decoded(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises :class:`Refusal` for what is none, is nested deeper, or says a thing twice."""
    try:
        text = body.decode("utf-8")  # which keeps a byte order mark, and json.loads does not take one in text
        if _depth(text) > DEPTH:  # before anything reads it
            raise ValueError
        asked = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        msgspec.json.encode(asked)  # lone halves of surrogate pairs can be read and never written
    except (UnicodeError, RecursionError, ValueError):
        raise Refusal(400, "bad_json", "the body is not JSON") from None
    if not isinstance(asked, dict):
        raise Refusal(422, "bad_request", "the body is not an object")
    return asked


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.findall(r"[\[{\]}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _whole(request: Request, name: str, least: int, most: int) -> int | None:
    given = request.query_params.multi_items()
    if len(dict(given)) < len(given) or not {key for key, _ in given} <= {"after", "limit"}:
        raise Refusal(422, "bad_parameter", "known: after, limit")
    said = request.query_params.get(name)
    if said is None:
        return None
    if not re.fullmatch(r"[0-9]{1,16}", said) or not least <= int(said) <= most:
        raise wrong(name)
    return int(said)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str | int | float | bool | list | dict) else str(value)
