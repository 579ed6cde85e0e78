"""Whether the server lives, and whether it can do its work: two different questions.

A load balancer that only asks whether a server lives goes on sending it reports it cannot store (security.md §3.2). So
/readyz writes, through the very thread that writes reports, and waits until that is committed. It needs no credential,
and a stranger must not be able to have the disk synced as often as he likes: one answer serves everybody for a moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from muster_server.receive.refusal import Refusal
from muster_server.receive.writer import Writer
from muster_server.store import probe

GOOD_FOR = 2.0  # seconds that an answer of /readyz serves everybody
PATIENCE = 5.0  # seconds after which a writer that does not answer is not ready


class Health:
    """The handlers. ``refusal`` says why reports are refused for now, e.g. because the disk is nearly full."""

    def __init__(self, writer: Writer, refusal: Callable[[], Refusal | None]) -> None:
        self._writer = writer
        self._refusal = refusal
        self._asked: tuple[float, asyncio.Future[None]] | None = None

    def routes(self) -> list[Route]:
        """The two that need no credential."""
        return [
            Route("/healthz", self.alive, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
        ]

    async def alive(self, request: Request) -> Response:
        """The process lives. Nothing is looked at: this must answer when everything else is stuck."""
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        """Reports can be stored. Raises :class:`Refusal` and what the database raises."""
        now = time.monotonic()
        if self._asked is None or (self._asked[1].done() and now - self._asked[0] > GOOD_FOR):
            # Kept as a future, so that all who ask meanwhile share the one write.
            self._asked = now, asyncio.ensure_future(self._try())
            self._asked[1].add_done_callback(lambda future: future.cancelled() or future.exception())
        await asyncio.shield(self._asked[1])
        return JSONResponse({"status": "ready"})

    async def _try(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            raise refusal
        try:
            await asyncio.wait_for(asyncio.wrap_future(self._writer.submit(probe.write)), PATIENCE)
        except TimeoutError:
            raise Refusal(503, "busy", "the writer does not answer", retry_after=30) from None
