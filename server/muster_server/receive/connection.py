"""One connection: uvicorn parses its HTTP and runs the application, and here it is held to its times and its bytes.

A connection is always in one phase, and a phase has a deadline. The deadlines are looked at ten times a second for all
connections together (:meth:`Places.check`): a timer for each would cost every good request more than the bad ones do.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from muster_server.receive import encryption, log
from muster_server.receive.head import Malformed, StrictBuffer
from muster_server.receive.joined import Joined
from muster_server.receive.places import Places

HANDSHAKE = "handshake"  # TLS is being agreed
HEAD = "head"  # the headers have not come, or not all of them
BODY = "body"  # the headers have come, the body has not
ANSWER = "answer"  # the request is complete; the application has it
IDLE = "idle"  # answered; the next request has not begun
CLOSE = "close"  # nothing more is taken from it

WRITE_STEP = 512 * 1024  # bytes of an answer that must be taken in Limits.write; a slow line needs 17 kB/s
CODES = {
    400: "bad_request",
    408: "too_slow",
    431: "headers_too_large",
    501: "bad_transfer_encoding",
    503: "busy",
    505: "bad_version",
}
RETRY_AFTER = 30  # seconds


class Connection(H11Protocol):
    """A client's connection from its acceptance to its end."""

    def __init__(
        self, places: Places, peer: str, encrypted: bool, config: Config, state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config, state, app_state)
        self.conn._receive_buffer = StrictBuffer(places.limits.head_bytes)
        self.places = places
        self.peer = peer
        self.since = self.loop.time()  # since when it has waited for a complete request
        self.held = 0  # bytes of the request that is received or in work
        self.raw: asyncio.Transport | None = None  # beneath TLS; without TLS the transport itself
        self.phase = HANDSHAKE if encrypted else HEAD
        self.task: asyncio.Task[None] | None = None  # that makes its transport
        self._encrypted = encrypted
        self._joined: Joined | None = None
        self._deadline = self.since + (places.limits.handshake if encrypted else places.limits.head)
        self._request_end = self.since + places.limits.request
        self._stuck: tuple[float, int] | None = None  # since when an answer is not taken, and how much of it
        places.admit(self)

    @property
    def waiting(self) -> bool:
        """Whether it may have to go for another."""
        return self.phase is not ANSWER

    # -- what the transport says -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """It can be read: TLS, if any, is agreed."""
        if self.phase is CLOSE:
            transport.abort()  # it had to go before it had come
            return
        self._joined = Joined(transport)
        super().connection_made(self._joined)
        if self.raw is None:
            self.raw = transport
        self._enter(HEAD, self.loop.time() + self.places.limits.head)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, whoever ended it."""
        if self.transport is not None:
            super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.gone()

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        if self.phase is CLOSE:
            return  # read only so that the client can read why it was refused
        if self.phase is IDLE:
            self._begin()
        answered = self.phase is BODY and self.cycle.response_complete  # what comes now is read and dropped
        if not answered and not self.places.hold(self, len(data)):
            self.refuse(503, "too much is being received")
            return
        super().data_received(data)
        self._follow()

    def resume_writing(self) -> None:
        """What was written has been taken; more may be."""
        self._stuck = None
        super().resume_writing()

    def gone(self) -> None:
        """Nothing of it is left."""
        if self.phase is HANDSHAKE:
            self.places.metrics.handshakes_failed.add()
            log.refused("bad_handshake", self.peer)
        self.phase = CLOSE
        self.raw = self._joined = self.task = None
        self.places.forget(self)

    # -- what uvicorn says -------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """The application has answered."""
        if self._joined is not None:
            self._joined.flush()
        self.places.release(self)
        super().on_response_complete()
        self._follow()

    def send_400_response(self, msg: str) -> None:
        """h11, or the check of the head before it, does not take what came."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        detail = str(error) if isinstance(error, Malformed) else "this is not a request of HTTP/1.1"
        self.refuse(status if status in CODES else 400, detail)

    def shutdown(self) -> None:
        """The server stops: a request in work is finished, anything else ends."""
        if self.phase is not CLOSE:
            super().shutdown()
            self._follow()

    def _should_upgrade(self) -> bool:
        return False  # to nothing; and uvicorn would warn of every request that asks for it

    # -- phases ------------------------------------------------------------------------------------------------------

    def _enter(self, phase: str, deadline: float) -> None:
        if phase is ANSWER:
            self.places.works(self)
        elif self.phase is ANSWER:
            self.since = self.loop.time()
            self.places.waits(self)
        self.phase = phase
        self._deadline = deadline

    def _begin(self) -> None:
        """The first byte of a request after another."""
        now = self.loop.time()
        self._request_end = now + self.places.limits.request
        self._enter(HEAD, now + self.places.limits.head)

    def _follow(self) -> None:
        """Into the phase that h11 is in."""
        state = self.conn.their_state
        if self.phase is CLOSE:
            return
        if self.transport.is_closing():
            self._end()
        elif state is h11.DONE or state is h11.MUST_CLOSE:
            if self.phase is not ANSWER:
                self._enter(ANSWER, math.inf)
        elif state is h11.SEND_BODY:
            if self.phase is not BODY:
                self._enter(BODY, self._request_end)
        elif state is h11.IDLE and self.phase is not HEAD:
            if len(self.conn._receive_buffer):
                self._begin()  # it had sent the beginning of the next request already
            else:
                self._enter(IDLE, self.loop.time() + self.places.limits.idle)

    def _end(self) -> None:
        self.places.release(self)
        self._enter(CLOSE, self.loop.time() + self.places.limits.linger)

    # -- deadlines ---------------------------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """Close it when its time is over."""
        unsent = self._unsent()
        if unsent and self._is_stuck(now, unsent):
            self._timed_out(ANSWER)
            self.drop()
        elif unsent and self.phase in (IDLE, CLOSE):
            self._deadline = now + self.places.limits.linger  # it still takes its answer
        elif now >= self._deadline:
            self._expire()

    def _unsent(self) -> int:
        """Bytes of answers that the system has not taken yet, in TLS and beneath it."""
        if self.raw is None:
            return 0
        size = self.raw.get_write_buffer_size()
        if self._encrypted and self._joined is not None and not self.raw.is_closing():
            size += self._joined.get_write_buffer_size()
        return size

    def _is_stuck(self, now: float, unsent: int) -> bool:
        if self._stuck is None:
            self._stuck = now, unsent
        since, before = self._stuck
        if now - since < self.places.limits.write:
            return False
        self._stuck = now, unsent
        return unsent > before - WRITE_STEP

    def _expire(self) -> None:
        phase = self.phase
        if phase is HANDSHAKE or phase is CLOSE:
            if phase is HANDSHAKE:
                self._timed_out(phase)
            self.drop()
        elif phase is IDLE:
            self._timed_out(phase)
            self.timeout_keep_alive_handler()
            self._end()
        elif phase is HEAD and not len(self.conn._receive_buffer):
            self._timed_out(phase)
            self.transport.close()  # it never said a word; one that is only kept ready must not be told of an error
            self._end()
        else:
            self._timed_out(phase)
            self.refuse(408, f"the request did not arrive within {self.places.limits.request:g} seconds")

    def _timed_out(self, phase: str) -> None:
        self.places.metrics.timed_out.add(phase)
        if phase is not IDLE:
            log.refused(f"too_slow_{phase}", self.peer)

    # -- ends --------------------------------------------------------------------------------------------------------

    def drop(self) -> None:
        """End it at once, without a word."""
        if self.raw is not None:
            self.raw.abort()
        self.phase = CLOSE
        self.gone()

    def refuse(self, status: int, detail: str) -> None:
        """Say why and close. A request in work is taken back from the application, as if the client had left."""
        code = CODES[status]
        self.places.metrics.refusals.add(code)
        if status != 408:
            log.refused(code, self.peer, detail=detail)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.drop()  # it has been answered already, or is being answered
            return
        body = json.dumps({"error": code, "detail": detail}).encode("ascii")
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"connection", b"close"),
        ]
        if status == 503:
            headers.append((b"retry-after", str(RETRY_AFTER).encode("ascii")))
        answer = h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status])
        self.transport.write(b"".join(filter(None, map(self.conn.send, (answer, h11.Data(body), h11.EndOfMessage())))))
        assert self._joined is not None
        self._joined.flush()  # head and body are here in one; TLS knows no end of the answer that would push them out
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._end()


class Tls(encryption.Encrypted):
    """The TLS beneath a :class:`Connection`, from the first byte of its handshake."""

    def __init__(self, connection: Connection, certificate: encryption.Certificate) -> None:
        limits = connection.places.limits
        # Both are enforced by Connection.check; these only have to be later than that.
        super().__init__(
            connection.loop,
            connection,
            certificate.context,
            None,  # type: ignore[arg-type]  # nobody waits for it
            server_side=True,
            ssl_handshake_timeout=int(limits.handshake) + 5,
            ssl_shutdown_timeout=int(limits.write) + 5,
        )
        self._connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is taken; now it has to be agreed."""
        assert isinstance(transport, asyncio.Transport)
        if self._connection.phase is CLOSE:
            transport.abort()  # it had to go before it had come
            return
        self._connection.raw = transport
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has ended, perhaps before there was anything to tell uvicorn of."""
        super().connection_lost(exc)
        self._connection.gone()
