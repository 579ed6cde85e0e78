"""Who is asking: a credential is checked before anything else of a request is looked at.

What cannot be a credential costs no look at the database; what can be one costs one look, in threads of its own, so
that a flood of wrong ones leaves those of the agents' door alone (security.md L7).

401  no credential, or none that holds: one text for all of them
403  a credential that holds and does not suffice, or one of a PC, which opens nothing here
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from muster_server.access import credentials
from muster_server.access.roles import Need, may
from muster_server.receive.refusal import Refusal, unauthorised
from muster_server.store import tokens
from muster_server.store.database import Database
from muster_server.store.readers import PREFIX, Reader
from muster_server.web.declared import Declared

LOOKS = 4  # credentials that are looked up at the same time
LIMIT = 512  # characters of an Authorization that can be one
SIGNATURE = "Muster-Signature"  # in every request of a PC
TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")  # what an enrolment token can look like
REALM = 'Basic realm="Muster", charset="UTF-8"'

Handler = Callable[[Request], Awaitable[Response]]


class Guard:
    """Stands before every route."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limiter = anyio.CapacityLimiter(LOOKS)

    def readers(self, declared: Declared) -> Handler:
        """The handler of a readers' route: whoever calls it has what the route needs."""

        async def guarded(request: Request) -> Response:
            reader = await self.reader(request, declared.need)
            return await declared.endpoint(request, reader)

        return guarded

    def agents(self, handler: Handler, signed: tuple[str, ...]) -> Handler:
        """The handler of a route for PCs: without the headers that are ``signed``, nothing is looked at."""

        async def guarded(request: Request) -> Response:
            not_a_reader(request)
            for name in signed:
                values = request.headers.getlist(name)
                if len(values) != 1 or not values[0] or not _base64(values[0]):
                    raise unauthorised()
            return await handler(request)

        return guarded

    def tokens(self, handler: Handler) -> Handler:
        """The handler of enrolment: it checks the token itself, in the transaction that uses it up."""

        async def guarded(request: Request) -> Response:
            not_a_reader(request)
            return await handler(request)

        return guarded

    async def reader(self, request: Request, need: Need) -> Reader:
        """Who calls. Raises :class:`Refusal`."""
        given = request.headers.getlist("Authorization")
        if len(given) != 1 or len(given[0]) > LIMIT:
            if not given and SIGNATURE in request.headers:
                raise Refusal(403, "forbidden", "the credential of a PC opens nothing here")
            raise unauthorised()
        found = await to_thread.run_sync(self._find, given[0], limiter=self._limiter)
        if isinstance(found, Refusal):
            raise found
        if not may(found, need):
            raise Refusal(403, "forbidden", "this credential does not suffice")
        if need is Need.ACT and scheme(given[0]) != "bearer":
            # A browser sends what it was once given with every request, those of foreign pages too: whoever acts has
            # to mean it.
            raise Refusal(403, "forbidden", "acts take Authorization: Bearer")
        return found

    def _find(self, authorization: str) -> Reader | Refusal:
        now = datetime.now(UTC)
        with self._database.read() as connection:
            reader = credentials.check(connection, authorization, now)
            if reader is not None:
                return reader
            said = secret(authorization)
            likely = not said.startswith(PREFIX) and TOKEN.fullmatch(said)
            if likely and tokens.find(connection, tokens.token_hash(said)) is not None:
                return Refusal(403, "forbidden", "an enrolment token opens nothing here")
        return unauthorised()


def not_a_reader(request: Request) -> None:
    """A reader's credential opens nothing that is for PCs. Raises :class:`Refusal`."""
    given = request.headers.getlist("Authorization")
    if any(secret(value[:LIMIT]).startswith(PREFIX) for value in given):
        raise Refusal(403, "forbidden", "this is the door of PCs")
    if len(given) > 1:
        raise unauthorised()


def scheme(authorization: str) -> str:
    """bearer, basic, or whatever stands there."""
    return authorization.strip(" \t").partition(" ")[0].lower()


def secret(authorization: str) -> str:
    """What a credential consists of: the token of Bearer, the password of Basic; empty when there is none."""
    value = authorization.strip(" \t").partition(" ")[2].strip(" \t")
    if scheme(authorization) != "basic":
        return value
    try:
        return base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2]
    except ValueError:
        return ""


def _base64(value: str) -> bool:
    try:
        return bool(base64.b64decode(value[:8192], validate=True))
    except ValueError:
        return False
