"""The HTTP door: four routes, sizes and times bounded, one shape for every refusal.

POST /v1/enrol      a token binds a PC's key                        201 taken in, 200 known already
POST /v1/reports    a signed report                                 202 stored, 200 seen before, 409 conflict
GET  /healthz       the process lives
GET  /readyz        it can read its database
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport
from muster_server.receive import door
from muster_server.receive.refusal import Refusal, unauthorised
from muster_server.receive.writer import Job, Writer
from muster_server.store import agents, keys
from muster_server.store.agents import Agent
from muster_server.store.database import Database
from muster_server.store.keys import Key
from muster_server.store.reports import Accepted, Incoming, Outcome, accept

BODY_DEADLINE = 30.0  # seconds for the whole body; uvicorn itself would wait for ever (security.md §2.3)
HEADER_LIMIT = 4096  # characters of an envelope or a signature

log = logging.getLogger("muster.receive")


class Receiver:
    """What the routes share: the database, the writer, the server's key, who wants to know of accepted reports, and
    who knows how a PC stood when it was last judged (text for the person at the PC; None: not judged yet)."""

    def __init__(
        self,
        database: Database,
        key: SigningKey,
        accepted: Callable[[str], None],
        judged: Callable[[str], dict[str, Any] | None] = lambda pc: None,
    ) -> None:
        self._database = database
        self._key = key
        self._accepted = accepted
        self._judged = judged
        self.writer = Writer(database)

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/enrol", self.enrol, methods=["POST"]),
                Route("/v1/reports", self.report, methods=["POST"]),
                Route("/healthz", self.alive, methods=["GET"]),
                Route("/readyz", self.ready, methods=["GET"]),
            ],
            exception_handlers={Refusal: refused, HTTPException: not_found, DBAPIError: no_storage, Exception: failed},
        )

    async def enrol(self, request: Request) -> Response:
        """Bind a PC's key to the unit of its token."""
        body = await bounded_body(request, door.ENROLMENT_LIMIT)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise unauthorised()
        signature = binary_header(request, "Muster-Signature")
        asked = await run_in_threadpool(door.check_enrolment, body, signature, token)
        agent: Agent | None = await self._write(lambda connection: agents.enrol(connection, asked, now()))
        if agent is None:
            raise unauthorised()
        return JSONResponse(
            {
                "agent": agent.id,
                "unit": agent.unit,
                "server_key": self._key.public.hex(),
                "seq": agent.last_seq,  # where its chain stands: a PC that lost its state goes on from here
                "digest": agent.last_digest,
            },
            status_code=201,
        )

    async def report(self, request: Request) -> Response:
        """Take in a signed report."""
        if request.headers.getlist("Content-Encoding") != ["gzip"]:
            raise Refusal(415, "bad_encoding", "the body must be gzip")
        envelope, signature = binary_header(request, "Muster-Envelope"), binary_header(request, "Muster-Signature")
        body = await bounded_body(request, door.BODY_LIMIT)
        incoming = await run_in_threadpool(self._check, SignedReport(envelope, signature, body))
        received_at = now()
        done: Accepted = await self._write(lambda connection: accept(connection, incoming, received_at, self._key.sign))
        if done.outcome is Outcome.REVOKED:
            raise Refusal(403, "revoked", "this agent has been revoked, or has another key by now")
        if done.outcome is Outcome.CONFLICT or done.receipt is None:
            raise Refusal(409, "conflict", "this number was used by another report of the same agent")
        if done.outcome is Outcome.ACCEPTED:
            self._accepted(incoming.envelope.agent)
        return JSONResponse(
            {
                "receipt": base64.b64encode(done.receipt.to_bytes()).decode("ascii"),
                "signature": base64.b64encode(done.signature).decode("ascii"),
                "missing": list(done.missing),
                "judged": self._judged(incoming.envelope.agent),
            },
            status_code=200 if done.outcome is Outcome.DUPLICATE else 202,
        )

    async def alive(self, request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        """The process can reach its database."""
        await run_in_threadpool(self._read, agents.count)
        return JSONResponse({"status": "ready"})

    def _check(self, signed: SignedReport) -> Incoming:
        return door.check_report(signed, self._find)

    def _find(self, agent: str, key: str) -> Key | None:
        found: Key | None = self._read(lambda connection: keys.find(connection, agent, key))
        return found

    def _read(self, query: Callable[[Connection], Any]) -> Any:
        with self._database.read() as connection:
            return query(connection)

    async def _write(self, job: Job) -> Any:
        future: Future[Any] = self.writer.submit(job)
        return await asyncio.wrap_future(future)


def now() -> datetime:
    """The server's clock, which is the only one that counts."""
    return datetime.now(UTC)


def binary_header(request: Request, name: str) -> bytes:
    """A header that carries bytes in base64. Raises :class:`Refusal`."""
    value = request.headers.get(name, "")
    try:
        if not value or len(value) > HEADER_LIMIT:
            raise ValueError
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise Refusal(400, "bad_header", f"{name} is missing or not base64") from None


async def bounded_body(request: Request, limit: int) -> bytes:
    """The body, at most ``limit`` bytes and within the deadline. Raises :class:`Refusal`."""
    received = bytearray()
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            async for chunk in request.stream():
                received += chunk
                if len(received) > limit:
                    raise Refusal(413, "too_large", f"the body is larger than {limit} bytes")
    except TimeoutError:
        raise Refusal(408, "too_slow", f"the body did not arrive within {BODY_DEADLINE:.0f} seconds") from None
    except ClientDisconnect:
        raise Refusal(400, "cut_off", "the connection ended before the body did") from None
    return bytes(received)


def answer(refusal: Refusal) -> Response:
    """The one shape of a refusal."""
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    if refusal.status in (408, 413):
        headers["Connection"] = "close"  # the rest of the body is not read
    return JSONResponse({"error": refusal.code, "detail": refusal.detail}, refusal.status, headers)


async def refused(request: Request, error: Exception) -> Response:
    """A :class:`Refusal`."""
    assert isinstance(error, Refusal)
    return answer(error)


async def not_found(request: Request, error: Exception) -> Response:
    """A route or method that does not exist."""
    assert isinstance(error, HTTPException)
    return answer(Refusal(error.status_code, "no_such_route"))


async def no_storage(request: Request, error: Exception) -> Response:
    """The database or its disk refuses: nothing was stored, and the PC keeps its report and comes again."""
    log.error("the database refused: %s", getattr(error, "orig", error))
    return answer(Refusal(503, "storage", "the server cannot store anything now", retry_after=60))


async def failed(request: Request, error: Exception) -> Response:
    """A fault of ours. Nothing was stored."""
    log.error("a request failed: %r", error)
    return answer(Refusal(500, "failed", "the server failed; nothing was stored"))
