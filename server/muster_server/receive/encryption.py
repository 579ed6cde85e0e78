"""TLS as the listener speaks it: 1.2 or newer, a certificate that may be renewed while it runs, little memory.

asyncio gives every TLS connection a read buffer of 256 kB, which is most of what an idle connection costs
(security.md §2.3 measured 275 kB). A TLS record has at most 16 kB, so a buffer of that size serves as well.
"""

from __future__ import annotations

import logging
import ssl
from asyncio import sslproto
from pathlib import Path

from muster_server.receive import log

RECORD = 16 * 1024  # bytes
READ_AHEAD = 64 * 1024  # bytes of a connection whose request is in work that are taken from the network meanwhile
# Key exchange that keeps what was recorded secret, and authenticated encryption: every PC since Windows 7 has them.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"

_log = logging.getLogger("muster.tls")


def server_context(cert: Path, key: Path) -> ssl.SSLContext:
    """A context for a server. Raises ``OSError`` or ``ValueError`` (``ssl.SSLError`` is both)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 0  # a PC comes once an hour and does not resume; two tickets would be made for each
    context.load_cert_chain(cert, key, password=lambda: "")  # never ask at the terminal
    return context


class Certificate:
    """The server's certificate and key: the files, and the context made of them that new connections get."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Raises ``OSError`` or ``ValueError`` when they cannot be used."""
        self._files = (cert, key)
        self._state = self._stat()
        self.context = server_context(cert, key)

    def renew(self) -> bool:
        """Whether the files have changed and are in use now; while they cannot be used the old ones are."""
        state = self._stat()
        if state == self._state:
            return False
        self._state = state  # also of files that do not fit: the second of the two changes it once more
        try:
            self.context = server_context(*self._files)
        except (OSError, ValueError) as error:
            log.event(_log, logging.ERROR, "certificate_not_renewed", file=self._files[0], error=error)
            return False
        log.event(_log, logging.INFO, "certificate_renewed", file=self._files[0])
        return True

    def _stat(self) -> tuple[tuple[int, int, int], ...]:
        """What changes when a file is written or replaced; zeros while there is none."""
        found = []
        for path in self._files:
            try:
                at = path.stat()
                found.append((at.st_ino, at.st_size, at.st_mtime_ns))
            except OSError:
                found.append((0, 0, 0))
        return tuple(found)


class Encrypted(sslproto.SSLProtocol):
    """asyncio's TLS over a transport, with a buffer of one record instead of sixteen."""

    max_size = RECORD
