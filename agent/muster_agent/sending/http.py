"""POST to the server: standard library, bounded in time and size, no redirects, no proxies from the environment.

Plain HTTP is spoken to this PC itself and nowhere else. The environment's proxies are left aside because whoever can
set a variable would choose where this PC's report goes, and because an office's proxy is for the web outside.

    Unreachable        no answer that can be trusted came from the address; says why
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
import threading
from typing import Any, Mapping
from urllib.parse import urlsplit

from muster_agent.dataclass import dataclass
from muster_agent.sending.retry_after import seconds
from muster_agent.sending.trust import client_context
from muster_agent.text import inert

TIME_LIMIT = 30.0  # seconds for connecting and for each wait on an answer
DEADLINE = 180.0  # seconds for one report and its answer, however steadily they trickle
ANSWER_LIMIT = 64 * 1024  # bytes
ALL_LIMIT = ANSWER_LIMIT + 192 * 1024  # bytes of an answer with its head and all that carries it
DEEPEST = 32  # lists and objects inside each other in an answer
SAID_LIMIT = 1000  # characters of a text in it
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NOT_NOW = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED: perhaps this PC's clock is wrong
# What stands between here and the server says so itself: a proxy that wants a password, a balancer without a server.
NOT_THE_SERVER = {407: "proxy_asks", 502: "no_server_behind", 503: "no_server_behind", 504: "no_server_behind"}


class Unreachable(Exception):
    """There is no server at the address, or what answers is not one. ``code`` is a key of words/send.json."""

    def __init__(
        self, code: str, detail: str = "", status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status  # of the HTTP answer that was not the server's; None: there was none
        self.retry_after = retry_after  # seconds it asked for


class BadAddress(ValueError):
    """The address is not one that may be spoken to; the message is a key of words/send.json."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    content: Mapping[str, Any]
    retry_after: float | None = None  # seconds after which to come again

    def text(self, name: str) -> str:
        """A text field of the answer, inert and bounded: whoever answered may not have been the server. Empty when it
        is missing or something else."""
        value = self.content.get(name)
        return inert(value[:SAID_LIMIT]) if isinstance(value, str) else ""


def check_address(server: str) -> str:
    """The address without a trailing slash. Raises :class:`BadAddress`."""
    # urlsplit leaves such characters out without a word, and they would go into a file of settings as they are.
    if not re.match(r"^[!-~]+$", server):
        raise BadAddress("bad_address")
    try:
        parts = urlsplit(server)
        port = parts.port
    except ValueError:
        raise BadAddress("bad_address") from None
    named = re.match(r"^[A-Za-z0-9:][A-Za-z0-9._:-]*$", parts.hostname or "")
    if parts.scheme not in ("http", "https") or not named or parts.path.strip("/") or parts.query:
        raise BadAddress("bad_address")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise BadAddress("not_encrypted")
    if port == 0 or parts.username or parts.fragment:
        raise BadAddress("bad_address")
    return server.rstrip("/")


class _Bounded:
    """The bytes of one answer. http.client bounds each line and each part, not all of them together; of a chunk whose
    size is said to be -1 it would read until the end of the connection."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left = ALL_LIMIT

    def _taken(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise http.client.HTTPException("too much")
        return data

    def read(self, size: int = -1) -> bytes:
        """As a file does."""
        most = self._left + 1
        return self._taken(self._file.read(most if size < 0 else min(size, most)))

    def readline(self, size: int = -1) -> bytes:
        """As a file does."""
        most = self._left + 1
        return self._taken(self._file.readline(most if size < 0 else min(size, most)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Response(http.client.HTTPResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp: Any = _Bounded(self.fp)


def connection_to(server: str, ca: str | None, limit: float) -> http.client.HTTPConnection:
    """A connection to a checked address, not made yet; over TLS it trusts ``ca`` alone. Each of its waits lasts
    ``limit`` seconds at most. Raises :class:`Unreachable`."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port or 80, timeout=limit)
    try:
        context = client_context(ca)
    except OSError as error:
        raise Unreachable("bad_ca", f"{ca}: {error.strerror or error}") from None
    return http.client.HTTPSConnection(host, parts.port or 443, timeout=limit, context=context)


class Line:
    """A line to one server, kept open between reports: a handshake costs the server more than an unchanged PC's report.

    Use it as a context manager.
    """

    def __init__(self, server: str, ca: str | None = None) -> None:
        self._server = check_address(server)
        self._ca = ca
        self._open: http.client.HTTPConnection | None = None

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST ``body`` and return the answer, whatever its status. Raises :class:`Unreachable`."""
        used = self._open is not None
        try:
            return self._once(path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            self.close()
            if not used:
                raise named(error, self._server) from None
        except Exception as error:
            self.close()
            raise named(error, self._server) from None
        # The server had hung up meanwhile, as it may. To send again is harmless: it knows a report by its digest.
        try:
            return self._once(path, body, headers)
        except Exception as error:
            self.close()
            raise named(error, self._server) from None

    def _once(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self._open is None:
            self._open = connection_to(self._server, self._ca, TIME_LIMIT)
            self._open.response_class = _Response
        connection = self._open
        # Each wait has its limit already; who sends a byte at every wait is held to this one.
        watch = threading.Timer(DEADLINE, _hang_up, (connection,))
        watch.daemon = True
        watch.start()
        try:
            # A server that will not have so much says so and hangs up while the rest is still on its way.
            with contextlib.suppress(BrokenPipeError):
                connection.request("POST", path, body=body, headers={"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            data = response.read(ANSWER_LIMIT + 1)
        finally:
            watch.cancel()
        if len(data) > ANSWER_LIMIT or response.will_close:
            self.close()
        status, asked = response.status, seconds(response.getheader("Retry-After"), response.getheader("Date"))
        try:
            content = json.loads(data.decode("utf-8")) if len(data) <= ANSWER_LIMIT and not _too_deep(data) else None
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            # A captive portal's page is not an answer, nor is what a proxy or a balancer says.
            raise Unreachable(NOT_THE_SERVER.get(status, "not_muster"), self._server, status, asked)
        return Answer(status, content, asked)


def _too_deep(data: bytes) -> bool:
    """Whether an answer is nested deeper than any of the server's, looked at before anything reads it."""
    depth = 0
    for mark in re.findall(rb"[\[{\]}]", re.sub(rb'"(?:[^"\\]|\\.)*"', b"", data, flags=re.DOTALL)):
        depth += 1 if mark in b"[{" else -1
        if depth > DEEPEST:
            return True
    return False


def named(error: Exception, where: str) -> Exception:
    """What an error of a line to ``where`` is called: :class:`Unreachable`; what is none comes back as it is."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code = "not_valid_now" if error.verify_code in NOT_NOW else "not_trusted"
        return Unreachable(code, f"{where}: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return Unreachable("no_tls", f"{where}: {error.reason or error.strerror or error}")
    if isinstance(error, socket.gaierror):
        return Unreachable("no_name", f"{where}: {error.strerror or error}")
    if isinstance(error, socket.timeout):
        return Unreachable("no_answer", where)
    if isinstance(error, http.client.RemoteDisconnected):
        return Unreachable("cut_off", where)
    if isinstance(error, OSError):
        return Unreachable("unreachable", f"{where}: {error.strerror or error}")
    if isinstance(error, http.client.IncompleteRead):
        return Unreachable("cut_off", where)
    if isinstance(error, (http.client.HTTPException, ValueError)):
        return Unreachable("not_muster", where)
    return error


def _hang_up(connection: http.client.HTTPConnection) -> None:
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def post(server: str, path: str, body: bytes, headers: Mapping[str, str], ca: str | None = None) -> Answer:
    """One POST on a line of its own. Raises :class:`Unreachable` and :class:`BadAddress`."""
    with Line(server, ca) as line:
        return line.post(path, body, headers)
