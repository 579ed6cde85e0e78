"""A log or one of its rotations, packed by gzip or not."""

from __future__ import annotations

import zlib

from muster_agent.machine import FILE_LIMIT, CannotRead, Machine


def text(machine: Machine, path: str) -> str:
    """What the log says. Raises :class:`CannotRead` also for a packed one that is damaged, too large or cut short."""
    data = machine.read(path)
    if path.endswith(".gz"):
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with gzip's header
        try:
            data = unpacking.decompress(data, FILE_LIMIT)
        except zlib.error as error:
            raise CannotRead("not_understood", path) from error
        if unpacking.unconsumed_tail:
            raise CannotRead("too_large", path)
        if not unpacking.eof:  # cut short: the newest entries, at its end, would be missing
            raise CannotRead("not_understood", path)
    return data.decode("utf-8", "replace")
