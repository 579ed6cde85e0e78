"""One POST to the server: standard library, bounded in time and size, no redirects, no proxies from the environment.

Plain HTTP is spoken to this PC itself and nowhere else.

    Unreachable        no answer that can be trusted came from the address; says why
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from typing import Any, Mapping
from urllib.parse import urlsplit

from muster_agent.dataclass import dataclass

TIME_LIMIT = 30.0  # seconds for connecting and for each wait on an answer
ANSWER_LIMIT = 64 * 1024  # bytes
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Unreachable(Exception):
    """There is no server at the address, or what answers is not one. ``code`` is a key of words/send.json."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class BadAddress(ValueError):
    """The address is not one that may be spoken to; the message is a key of words/send.json."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    content: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A text field of the answer, empty when it is missing or something else."""
        value = self.content.get(name)
        return value if isinstance(value, str) else ""


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


def _connection(server: str, ca: str | None) -> http.client.HTTPConnection:
    parts = urlsplit(server)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port or 80, timeout=TIME_LIMIT)
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise Unreachable("bad_ca", f"{ca}: {error.strerror or error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return http.client.HTTPSConnection(host, parts.port or 443, timeout=TIME_LIMIT, context=context)


def post(server: str, path: str, body: bytes, headers: Mapping[str, str], ca: str | None = None) -> Answer:
    """POST ``body`` and return the answer, whatever its status. Raises :class:`Unreachable`."""
    connection = _connection(check_address(server), ca)
    try:
        connection.request("POST", path, body=body, headers={"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        data = response.read(ANSWER_LIMIT + 1)
        content = json.loads(data.decode("utf-8")) if len(data) <= ANSWER_LIMIT else None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable("not_trusted", f"{server}: {error.verify_message}") from None
    except socket.timeout:
        raise Unreachable("no_answer", server) from None
    except OSError as error:
        raise Unreachable("unreachable", f"{server}: {error.strerror or error}") from None
    except (http.client.HTTPException, ValueError, RecursionError):
        # A captive portal's page is not an answer.
        raise Unreachable("not_muster", server) from None
    finally:
        connection.close()
    if not isinstance(content, dict):
        raise Unreachable("not_muster", server)
    return Answer(response.status, content)
