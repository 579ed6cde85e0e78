"""What a kind of database must offer to Muster: a way to read, a way to write, and only one writer at a time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine


class Engines(Protocol):
    """Two engines on one database."""

    @property
    def reader(self) -> Engine:
        """Connections that each see one consistent moment."""

    @property
    def writer(self) -> Engine:
        """Connections that commit durably."""

    def alone(self) -> AbstractContextManager[None]:
        """Held around every write and every close of a writing connection. Raises ``DatabaseError``."""

    def serialise(self, connection: Connection) -> None:
        """Wait, inside a begun transaction, until this is the only one that writes."""

    def once(self, name: str) -> AbstractContextManager[bool]:
        """Held by one process, of all that use the database, for work of that name; False when another one does it."""

    def check(self) -> None:
        """Look whether the database can be used at all. Raises ``DatabaseError``."""

    def started(self) -> bool:
        """A server starts on it. Returns whether the last one did not stop in order. Raises ``DatabaseError``."""

    def sound(self, seconds: float) -> bool:
        """Look through what it holds. False when that takes longer. Raises ``Damaged``."""

    def close(self) -> None:
        """Close every connection."""
