"""What a connection may take: bytes and time. The defaults are what the server promises; tests give smaller ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds, but for the first three."""

    connections: int = 1000  # open at once, handshakes under way included
    head_bytes: int = 16 * 1024  # request line and headers
    bytes: int = 64 * 1024 * 1024  # of requests that are received and not yet answered, of all connections together
    handshake: float = 10.0
    head: float = 10.0  # from the handshake, or from the first byte of a later request, to the end of its headers
    request: float = 30.0  # from the connection, or from the first byte of a later request, to the end of its body
    idle: float = 15.0  # between a request and the next
    write: float = 30.0  # in which half a megabyte of an answer must be taken, or what is left of it
    linger: float = 2.0  # in which what a refused client still sends is read, so that it can read why
