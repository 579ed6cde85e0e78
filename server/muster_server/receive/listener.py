"""Who takes connections: uvicorn's server, but for how connections are taken, held and ended.

uvicorn alone waits for ever for a header, a body or a reader, takes any number of connections, and spends 275 kB on
each that speaks TLS (security.md §2.3). Here a connection needs a place (places.py), has deadlines (connection.py) and
costs a buffer of one TLS record (encryption.py). What it costs a good request is measured by benchmarks/listener.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import socket
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from muster_server.receive import log
from muster_server.receive.connection import HANDSHAKE, RETRY_AFTER, Connection, Tls
from muster_server.receive.encryption import Certificate
from muster_server.receive.limits import Limits
from muster_server.receive.metrics import Metrics
from muster_server.receive.places import Places

BACKLOG = 1024  # connections that may wait for the server to take them
TURN = 16  # connections taken before those that are there get their turn
PAUSE = 0.1  # seconds until it is tried again to take connections when the system could give none
GRACE = 10  # seconds that requests in work have when the server stops
RENEWAL = 50  # ticks of a tenth of a second between two looks at the certificate's files
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_BUSY = b'{"error": "busy", "detail": "no place is free"}'
BUSY = (
    f"HTTP/1.1 503 Service Unavailable\r\nRetry-After: {RETRY_AFTER}\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(_BUSY)}\r\nConnection: close\r\n\r\n"
).encode("ascii") + _BUSY

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_log = logging.getLogger("muster.listener")


class Listener(uvicorn.Server):
    """Serves an ASGI application on sockets that listen already, until ``should_exit`` is set.

    ``proxies``: when any are given, connections from other addresses are closed at once, and what the proxies say of
    the client's address is believed.
    """

    def __init__(
        self,
        application: Any,
        sockets: Sequence[socket.socket],
        metrics: Metrics,
        limits: Limits | None = None,
        certificate: Certificate | None = None,
        proxies: Iterable[Network] = (),
    ) -> None:
        self._proxies = tuple(proxies)
        self.places = Places(limits or Limits(), metrics)
        super().__init__(
            uvicorn.Config(
                application,
                http=Connection,  # made by _take, never by uvicorn
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(self._proxies),
                forwarded_allow_ips=[str(network) for network in self._proxies],
                h11_max_incomplete_event_size=self.places.limits.head_bytes,
                timeout_keep_alive=int(self.places.limits.idle) + 5,  # ours comes first
                timeout_graceful_shutdown=GRACE,
            )
        )
        self._sockets = list(sockets)
        self._certificate = certificate
        self._paused: dict[socket.socket, asyncio.TimerHandle] = {}

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until stopped by a signal or by ``should_exit``."""
        super().run(self._sockets if sockets is None else sockets)

    # -- uvicorn's life of a server ----------------------------------------------------------------------------------

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        self.servers = []  # uvicorn's own; there are none
        for listener in sockets or ():
            listener.setblocking(False)
            # Handed down to every connection; asyncio would set it only if the socket was made with TCP's number.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._listen(listener)
        self.started = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whose time is over, what the log owes, whether the certificate was renewed."""
        self.places.check(asyncio.get_running_loop().time())
        if counter % 10 == 0:
            log.flush()
        if self._certificate is not None and counter % RENEWAL == 0:
            self._certificate.renew()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, finish the requests in work, end the rest."""
        for timer in self._paused.values():
            timer.cancel()
        for listener in sockets or ():
            asyncio.get_running_loop().remove_reader(listener)
        for connection in list(self.places.open):
            if connection.phase is HANDSHAKE:
                connection.drop()
        checking = asyncio.get_running_loop().create_task(self._go_on_checking())
        try:
            await super().shutdown(sockets)
        finally:
            checking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await checking
            for connection in list(self.places.open):
                connection.drop()
            log.flush(all_of_them=True)

    async def _go_on_checking(self) -> None:
        while True:
            self.places.check(asyncio.get_running_loop().time())
            await asyncio.sleep(0.1)

    # -- connections -------------------------------------------------------------------------------------------------

    def _listen(self, listener: socket.socket) -> None:
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        """Take what waits, but not so many that those that are there would not get their turn."""
        for _ in range(TURN):
            try:
                client, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # What waits in the backlog keeps the socket readable: without a pause this would be a busy loop.
                loop = asyncio.get_running_loop()
                loop.remove_reader(listener)
                self._paused[listener] = loop.call_later(PAUSE, self._listen, listener)
                log.refused("not_accepted", "-", error=error.strerror)
                for _ in range(TURN if error.errno in EXHAUSTED else 0):
                    self.places.evict()
                return
            self._take(client, str(address[0]))

    def _take(self, client: socket.socket, address: str) -> None:
        if self._proxies and not named(address, self._proxies):
            self.places.metrics.refusals.add("not_the_proxy")
            log.refused("not_the_proxy", address)
            client.close()
            return
        if not self.places.make_place():
            self._turn_away(client, address)
            return
        loop = asyncio.get_running_loop()
        encrypted = self._certificate is not None
        connection = Connection(self.places, address, encrypted, self.config, self.server_state, self.lifespan.state)
        protocol = connection if self._certificate is None else Tls(connection, self._certificate)
        connection.task = loop.create_task(self._connect(client, connection, protocol))

    async def _connect(self, client: socket.socket, connection: Connection, protocol: asyncio.BaseProtocol) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, client)
        except (OSError, RuntimeError) as error:
            log.refused("not_connected", connection.peer, error=error)
            client.close()
            connection.drop()

    def _turn_away(self, client: socket.socket, address: str) -> None:
        """No place is free and none can be made: every connection has its request in work."""
        self.places.metrics.refusals.add("no_place")
        log.refused("no_place", address)
        with contextlib.suppress(OSError):
            if self._certificate is None:
                client.send(BUSY)
        client.close()


def named(address: str, networks: Iterable[Network]) -> bool:
    """Whether one of ``networks`` holds the address of a peer."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped  # an IPv4 peer of a socket that listens to both
    return any(found.version == network.version and found in network for network in networks)
