"""The maker's own description of the PC: the table SMBIOS (DMTF DSP0134), as GetSystemFirmwareTable hands it out."""

from __future__ import annotations

import ctypes
import struct
import uuid
from typing import Iterator

from muster_agent.local.windows.libraries import function, last_error, not_understood

NAME = "GetSystemFirmwareTable"
PROVIDER = int.from_bytes(b"RSMB", "big")
MOST = 16 * 1024 * 1024  # bytes; real tables are below 64 KB
HEADER = struct.Struct("<BBBBI")  # RawSMBIOSData: calling method, major, minor, revision, length of the table
SYSTEM_INFORMATION, END_OF_TABLE = 1, 127


def structures(table: bytes) -> Iterator[tuple[int, bytes, list[str]]]:
    """(type, formatted area, strings) of every structure. Raises :class:`CannotRead` for a table that is cut short."""
    at = 0
    while at < len(table):
        if at + 4 > len(table) or table[at + 1] < 4 or at + table[at + 1] > len(table):
            raise not_understood(NAME)
        kind, length = table[at], table[at + 1]
        end = table.find(b"\0\0", at + length)
        if end < 0:
            raise not_understood(NAME)
        texts = table[at + length : end].split(b"\0") if end > at + length else []
        yield kind, table[at : at + length], [text.decode("utf-8", "replace") for text in texts]
        if kind == END_OF_TABLE:
            return
        at = end + 2


def system_uuid(data: bytes, version: tuple[int, int]) -> str | None:
    """The UUID in sixteen bytes; None where all are 0 or all are 255: not there, or not set.

    Since version 2.6 its first three numbers are little-endian; Linux and Windows read older tables differently, and
    this follows Linux's kernel, so that a PC has the same one under both.
    """
    if data in (bytes(16), b"\xff" * 16):
        return None
    return str(uuid.UUID(bytes_le=data) if version >= (2, 6) else uuid.UUID(bytes=data))


def system_information(raw: bytes) -> dict[str, str | None]:
    """Maker, product, serial number and UUID out of a RawSMBIOSData; null where the maker left them empty."""
    if len(raw) < HEADER.size:
        raise not_understood(NAME)
    _, major, minor, _, length = HEADER.unpack_from(raw)
    table = raw[HEADER.size : HEADER.size + length]
    if len(table) != length:
        raise not_understood(NAME)
    for kind, area, texts in structures(table):
        if kind == SYSTEM_INFORMATION:
            return {
                "manufacturer": _text(area, 4, texts),
                "product": _text(area, 5, texts),
                "serial": _text(area, 7, texts),
                "uuid": system_uuid(area[8:24], (major, minor)) if len(area) >= 24 else None,
            }
    raise not_understood(NAME)


def _text(area: bytes, at: int, texts: list[str]) -> str | None:
    """The string whose number stands at ``at``; they are counted from 1, and 0 is none."""
    number = area[at] if at < len(area) else 0
    return texts[number - 1].strip() or None if 0 < number <= len(texts) else None


def asked() -> dict[str, str | None]:
    """What the maker wrote. Everybody may ask, other than on Linux."""
    ask = function("kernel32", NAME, *[ctypes.c_uint32] * 3, ctypes.c_void_p, ctypes.c_uint32)
    size = ask(PROVIDER, 0, None, 0)
    if not size:
        raise last_error(NAME)
    if size > MOST:
        raise not_understood(NAME)
    buffer = ctypes.create_string_buffer(size)
    written = ask(PROVIDER, 0, buffer, size)
    if not 0 < written <= size:
        raise last_error(NAME)
    return system_information(buffer.raw[:written])
