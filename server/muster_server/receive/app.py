"""The HTTP door: five routes, sizes and times bounded, one shape for every refusal.

POST /v1/enrol      a token binds a PC's key                        201 taken in, 200 known already
POST /v1/reports    a signed report                                 202 stored, 200 seen before, 409 conflict
POST /v1/keys       a PC changes its key                            201 changed, 200 changed before, 409 conflict
GET  /healthz       the process lives
GET  /readyz        it can store a report
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from muster_agent.sending.envelope import ROTATED
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport
from muster_server.receive import clock, door, log, rotation, storage
from muster_server.receive.body import unpack, unpacked_to
from muster_server.receive.health import Health
from muster_server.receive.keyring import SIZE as KEYS
from muster_server.receive.keyring import Keyring
from muster_server.receive.metrics import Metrics
from muster_server.receive.pressure import Pressure
from muster_server.receive.refusal import Refusal, unauthorised
from muster_server.receive.stored import StoredTables
from muster_server.receive.unchanged import Unchanged
from muster_server.receive.writer import Job, Writer, die
from muster_server.store import agents, keys
from muster_server.store.agents import Agent
from muster_server.store.database import Database
from muster_server.store.keys import Key, Rotated
from muster_server.store.reports import Accepted, Incoming, Outcome, accept_all

BODY_DEADLINE = 30.0  # seconds for the whole body; uvicorn itself would wait for ever (security.md §2.3)
HEADER_LIMIT = 4096  # characters of an envelope or a signature
SMALL = 16 * 1024  # bytes of a body as sent, and
SMALL_UNPACKED = 64 * 1024  # bytes unpacked, that are sooner checked than handed to another thread
CHECKERS = min(4, os.cpu_count() or 1)  # larger bodies that are checked at a time: each may take ten times its size

_log = logging.getLogger("muster.receive")
_encode = msgspec.json.Encoder().encode


class Receiver:
    """What the routes share: the database, the writer, the server's key, who wants to know of accepted reports, and
    who knows how a PC stood when it was last judged (text for the person at the PC; None: not judged yet).

    ``fatal`` is called with a code when the process has to end (writer.py). ``refuse_when`` may be set to something
    that is asked before each enrolment and report is read, and gives the refusal that all get for now, e.g. because
    the disk is nearly full.
    """

    def __init__(
        self,
        database: Database,
        key: SigningKey,
        accepted: Callable[[str], None],
        judged: Callable[[str], dict[str, Any] | None] = lambda pc: None,
        metrics: Metrics | None = None,
        fatal: Callable[[str], None] = die,
    ) -> None:
        self._database = database
        self._key = key
        self._accepted = accepted
        self._judged = judged
        self.metrics = metrics or Metrics()
        self.refuse_when: Callable[[], Refusal | None] = lambda: None
        self.pressure = Pressure()
        self.keyring = Keyring(KEYS)
        self.stored = StoredTables()
        self._fresh = True
        self.unchanged = Unchanged()
        self._here = 0  # reports whose bodies have come and that are not committed
        self.writer = Writer(database, self._take, fatal, self.metrics, lambda: self._here)
        self._health = Health(self.writer, lambda: self.refuse_when())
        self._checkers = ThreadPoolExecutor(CHECKERS, "checker")  # its threads begin with the first large body

    def routes(self) -> list[Route]:
        """The agents' routes, and those that tell whether the server works."""
        return [
            Route("/v1/enrol", self.enrol, methods=["POST"]),
            Route("/v1/reports", self.report, methods=["POST"]),
            Route("/v1/keys", self.rekey, methods=["POST"]),
            *self._health.routes(),
        ]

    def application(self) -> Starlette:
        """The ASGI application of these routes alone."""
        return Starlette(routes=self.routes(), exception_handlers=self.exception_handlers())

    def exception_handlers(self) -> dict[Any, Any]:
        """How whatever goes wrong is answered."""
        return {Refusal: self.refused, HTTPException: self.not_found, DBAPIError: self.no_storage, Exception: failed}

    async def enrol(self, request: Request) -> Response:
        """Bind a PC's key to the unit of its token."""
        self._open_for_business()
        body = await bounded_body(request, door.ENROLMENT_LIMIT)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise unauthorised()
        signature = binary_header(request, "Muster-Signature")
        asked = await run_in_threadpool(door.check_enrolment, body, signature, token)
        agent: Agent | None = await self._write(lambda connection: agents.enrol(connection, asked, now()))
        if agent is None:
            raise unauthorised()
        self.metrics.enrolments.add()
        return JSONResponse(
            {
                "agent": agent.id,
                "unit": agent.unit,
                "server_key": self._key.public.hex(),
                "seq": agent.last_seq,  # where its chain stands: a PC that lost its state goes on from here
                "digest": agent.last_digest,
                "approved": agent.approved,  # until then its reports are kept and do not count
            },
            status_code=201,
        )

    async def report(self, request: Request) -> Response:
        """Take in a signed report."""
        self._open_for_business()
        if request.headers.getlist("Content-Encoding") != ["gzip"]:
            raise Refusal(415, "bad_encoding", "the body must be gzip")
        envelope, signature = binary_header(request, "Muster-Envelope"), binary_header(request, "Muster-Signature")
        size = announced(request, door.BODY_LIMIT)
        self.pressure.enter(size)
        try:
            body = await bounded_body(request, door.BODY_LIMIT)
            self.metrics.body_bytes.add(count=len(body))
            self._here += 1
            try:
                incoming = await self._checked(SignedReport(envelope, signature, body))
                incoming = replace(incoming, skew=clock.skew(request.headers.get(clock.HEADER), now()))
                # From here on it takes what it carries, too, packed for the store.
                more = sum(map(len, incoming.bodies.values()))
                self.pressure.grow(more)
                size += more
                done = await self.writer.report(incoming)
            finally:
                self._here -= 1
        finally:
            self.pressure.leave(size)
        if done.outcome is Outcome.REVOKED:
            raise Refusal(403, "revoked", "this agent has been revoked, or has another key by now")
        self.metrics.reports.add(done.outcome.value)
        if done.outcome is Outcome.CONFLICT or done.receipt is None:
            raise Refusal(409, "conflict", "this number was used by another report of the same agent")
        self.stored.add(incoming.digests.difference(done.missing))
        self.stored.forget(done.missing)
        if done.outcome is Outcome.ACCEPTED:
            self._accepted(incoming.envelope.agent)
        return told(done, self._judged(incoming.envelope.agent), incoming.skew)

    async def rekey(self, request: Request) -> Response:
        """Give a PC its next key."""
        self._open_for_business()
        body = await bounded_body(request, rotation.LIMIT)
        signature = binary_header(request, "Muster-Signature")
        vouched = binary_header(request, "Muster-Predecessor-Signature")
        asked = await run_in_threadpool(rotation.check, body, signature, vouched, self._find)
        outcome: Rotated = await self._write(lambda connection: keys.rotate(connection, asked, now()))
        refusal = rotation.refusal(outcome)
        if refusal is not None:
            raise refusal
        answered = base64.b64encode(self._key.sign(ROTATED + body)).decode("ascii")
        return JSONResponse({"signature": answered}, 201 if outcome is Rotated.DONE else 200)

    def close(self) -> None:
        """Finish what has come in."""
        self._checkers.shutdown()
        self.writer.close()

    # -- refusals ----------------------------------------------------------------------------------------------------

    async def refused(self, request: Request, error: Exception) -> Response:
        """A :class:`Refusal`."""
        assert isinstance(error, Refusal)
        self.metrics.refusals.add(error.code)
        log.refused(error.code, request.client.host if request.client else "-", path=request.url.path)
        return answer(error)

    async def not_found(self, request: Request, error: Exception) -> Response:
        """A route or method that does not exist."""
        assert isinstance(error, HTTPException)
        return await self.refused(request, Refusal(error.status_code, "no_such_route"))

    async def no_storage(self, request: Request, error: Exception) -> Response:
        """The database or its disk refuses: nothing was stored, and the PC keeps its report and comes again."""
        assert isinstance(error, DBAPIError)
        log.event(_log, logging.ERROR, "storage", error=error.orig)
        return await self.refused(request, storage.refusal(error))

    # -- the steps of a report ---------------------------------------------------------------------------------------

    def _open_for_business(self) -> None:
        refusal = self.refuse_when()
        if refusal is not None:
            raise refusal

    async def _checked(self, signed: SignedReport) -> Incoming:
        """Check a report. A small one is checked here: handing it to another thread would take longer."""
        envelope = door.envelope_of(signed)
        key = self.keyring.get(envelope.agent, envelope.key) or await self._looked_up(envelope.agent, envelope.key)
        door.check_signature(signed, envelope, key)
        assert key is not None
        self.keyring.add(envelope.agent, envelope.key, key)
        said = self.unchanged.get(envelope.body)
        if said is not None:
            return door.known(signed, envelope, key, said)
        plain = unpacked_to(signed.body, SMALL_UNPACKED) if len(signed.body) <= SMALL else None
        if plain is not None:
            incoming = door.check_body(signed, envelope, key, plain)
            self.unchanged.add(incoming)
            return incoming
        return await asyncio.get_running_loop().run_in_executor(
            self._checkers, lambda: door.check_body(signed, envelope, key, unpack(signed.body), self.stored)
        )

    async def _looked_up(self, agent: str, key: str) -> Key | None:
        """A key that is not remembered. A server that has just started learns all it can remember at once: ten thousand
        PCs that waited for it would ask for theirs one by one."""
        if self._fresh:
            self._fresh = False
            self.keyring.fill(await run_in_threadpool(self._read, lambda open: keys.latest(open, KEYS)))
            found = self.keyring.get(agent, key)
            if found is not None:
                return found
        return await run_in_threadpool(self._find, agent, key)

    def _take(self, connection: Connection, incoming: Sequence[Incoming]) -> list[Accepted]:
        return accept_all(connection, incoming, now(), self._key.sign)

    def _find(self, agent: str, key: str) -> Key | None:
        found: Key | None = self._read(lambda connection: keys.find(connection, agent, key))
        return found

    def _read(self, query: Callable[[Connection], Any]) -> Any:
        with self._database.read() as connection:
            return query(connection)

    async def _write(self, job: Job) -> Any:
        future: Future[Any] = self.writer.submit(job)
        return await asyncio.wrap_future(future)


def told(done: Accepted, judged: dict[str, Any] | None, skew: int | None = None) -> Response:
    """What the PC is told of a report that is stored."""
    assert done.receipt is not None
    content: dict[str, Any] = {
        "receipt": base64.b64encode(done.receipt.to_bytes()).decode("ascii"),
        "signature": base64.b64encode(done.signature).decode("ascii"),
        "missing": done.missing,
        "judged": judged,
    }
    if skew is not None:
        content["clock"] = skew
    if done.rekey:
        content["rekey"] = True
    if done.awaiting:
        content["awaiting"] = True
    status = 200 if done.outcome is Outcome.DUPLICATE else 202
    return Response(_encode(content), status, media_type="application/json")


def announced(request: Request, limit: int) -> int:
    """The bytes of the body, as its header says; ``limit`` when it does not. Raises :class:`Refusal`."""
    said = request.headers.get("Content-Length", "")
    size = int(said) if said.isascii() and said.isdigit() and len(said) < 19 else limit
    if size > limit:
        raise Refusal(413, "too_large", f"the body is larger than {limit} bytes")
    return size


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


async def failed(request: Request, error: Exception) -> Response:
    """A fault of ours. Nothing was stored."""
    log.event(_log, logging.ERROR, "failed", path=request.url.path, error=repr(error))
    return answer(Refusal(500, "failed", "the server failed; nothing was stored"))
