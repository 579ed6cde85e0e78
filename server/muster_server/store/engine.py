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
        """Held around every write and every close of a writing connection."""

    def serialise(self, connection: Connection) -> None:
        """Wait, inside a begun transaction, until this is the only one that writes."""

    def must_exist(self) -> None:
        """Raise ``FileNotFoundError`` where there is no database."""
