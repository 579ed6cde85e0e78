"""A transport that sends the head of an answer together with its body.

uvicorn writes them one after the other, and asyncio hands each write to the system at once: two calls, two packets, and
with TLS two records, for every answer. Joining them saves more than all checks of connection.py cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

_HEAD = b"HTTP/1."
_STATUS = len("HTTP/1.1 ")  # where the status begins; 1xx is no answer yet, and who waits for it sends nothing more


class Joined(asyncio.Transport):
    """Keeps the head of an answer back until the next write, or until :meth:`flush` when nothing more comes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head = b""

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send ``data``, or keep it when it is a head."""
        if not data:
            return
        if self._head:
            data = self._head + data
            self._head = b""
        elif isinstance(data, bytes) and data.startswith(_HEAD) and data[_STATUS : _STATUS + 1] != b"1":
            self._head = data
            return
        self._transport.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        """Send several pieces."""
        for data in list_of_data:
            self.write(data)

    def flush(self) -> None:
        """Send what was kept back: nothing follows it."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Send what was kept back and close."""
        self.flush()
        self._transport.close()

    def write_eof(self) -> None:
        """Send what was kept back and say that nothing more comes."""
        self.flush()
        self._transport.write_eof()

    def abort(self) -> None:
        """Close at once."""
        self._head = b""
        self._transport.abort()

    # -- as they are beneath -----------------------------------------------------------------------------------------

    def get_write_buffer_size(self) -> int:
        """Bytes that the system has not taken."""
        return self._transport.get_write_buffer_size()

    def can_write_eof(self) -> bool:
        """Whether :meth:`write_eof` is there."""
        return self._transport.can_write_eof()

    def is_closing(self) -> bool:
        """Whether it is closed or being closed."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What else is known of it."""
        return self._transport.get_extra_info(name, default)

    def is_reading(self) -> bool:
        """Whether data is received."""
        return self._transport.is_reading()

    def pause_reading(self) -> None:
        """Receive no data for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Receive data again."""
        self._transport.resume_reading()
