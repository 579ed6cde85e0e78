"""Who logged in when: lastlog and wtmp, the binary records of login(1), sshd and the display managers.

Both are arrays of C structures whose times are 32 bits wide on x86 and 64 on AArch64 (glibc, bits/utmp.h), in the
machine's byte order. The file does not say how wide: the form in which every record makes sense is taken, and where
none or both do, nothing is.
"""

from __future__ import annotations

import re
from typing import Callable, Iterable

from muster_agent.machine import CannotRead

WIDTHS = (4, 8)  # bytes of a time
RECORDS = {4: (384, 340), 8: (400, 344)}  # bytes of a record of wtmp, and where in it the time stands
BIG_ENDIAN = {"s390", "s390x", "ppc", "ppc64", "sparc", "sparc64", "m68k", "parisc", "parisc64"}  # as uname says it
LINE, HOST, NAME = 32, 256, 32  # UT_LINESIZE, UT_HOSTSIZE, UT_NAMESIZE
NAMED = 44  # where in a record of wtmp the user stands, and behind the user the host
USER_PROCESS = 7  # a user's session; the types run from 0 to 9
TEXT = re.compile(rb"[\x20-\x7e]*\0*\Z")
EARLIEST, LATEST = 600_000_000, 4_102_444_800  # 1989, before there was Linux; 2100
LONGEST = 8 + LINE + HOST  # bytes of the longest lastlog record


def _plausible(seconds: int) -> bool:
    return EARLIEST <= seconds <= LATEST


def _lastlog_in(data: bytes, uids: Iterable[int], order: str, width: int) -> dict[int, int] | None:
    """The logins in one form, or None when a record makes no sense in it."""
    size = width + LINE + HOST
    found = {}
    for uid in uids:
        record = data[uid * size : (uid + 1) * size]
        if not any(record):
            continue
        seconds = int.from_bytes(record[:width], order)  # type: ignore[arg-type]
        text = TEXT.match(record[width : width + LINE]) and TEXT.match(record[width + LINE :])
        if len(record) < size or not _plausible(seconds) or not text:
            return None
        found[uid] = seconds
    return found


def lastlog(data: bytes, uids: Iterable[int], size: int, machine: str, path: str) -> dict[int, int]:
    """The last login (seconds since 1970) of each of ``uids`` that ever logged in, by the records in ``data``, the
    beginning of a lastlog file of ``size`` bytes on a ``machine`` as uname names it. Raises :class:`CannotRead` when no
    form fits."""
    wanted = sorted(set(uids))
    order = "big" if machine in BIG_ENDIAN else "little"
    fitting = [width for width in WIDTHS if size % (width + LINE + HOST) == 0]
    readings = [_lastlog_in(data, wanted, order, width) for width in fitting]
    said = [reading for reading in readings if reading is not None]
    spoken = [reading for reading in said if reading]
    if not said or any(reading != spoken[0] for reading in spoken):
        raise CannotRead("not_understood", path)
    return spoken[0] if spoken else {}


def _wtmp_in(data: bytes, order: str, width: int) -> dict[str, int] | None:
    size, moment = RECORDS[width]
    found: dict[str, int] = {}
    for start in range(0, len(data) - len(data) % size, size):
        record = data[start : start + size]
        kind = int.from_bytes(record[:2], order)  # type: ignore[arg-type]
        if kind > 9 or record[2:4] != b"\0\0":
            return None
        if kind == USER_PROCESS:
            seconds = int.from_bytes(record[moment : moment + width], order)  # type: ignore[arg-type]
            name = record[NAMED : NAMED + NAME].partition(b"\0")[0].decode("utf-8", "replace")
            if not _plausible(seconds) or not name:
                return None
            found[name] = max(seconds, found.get(name, 0))
    return found


def wtmp(data: bytes, machine: str, path: str) -> dict[str, int]:
    """The last login (seconds since 1970) of each user in a wtmp file. A record cut off at its end is left out.
    Raises :class:`CannotRead` when no form fits."""
    order = "big" if machine in BIG_ENDIAN else "little"
    fitting = [width for width in WIDTHS if len(data) % RECORDS[width][0] == 0] or WIDTHS
    readings = [reading for reading in (_wtmp_in(data, order, width) for width in fitting) if reading is not None]
    spoken = [reading for reading in readings if reading]
    if not readings or any(reading != spoken[0] for reading in spoken):
        raise CannotRead("not_understood", path)
    return spoken[0] if spoken else {}


def renamed(data: bytes, rename: Callable[[str], str]) -> bytes:
    """A wtmp file with other names in it and without the hosts people came from; every record keeps its size. What is
    no wtmp is emptied."""
    for width in WIDTHS:
        size = RECORDS[width][0]
        if len(data) % size or all(_wtmp_in(data, order, width) is None for order in ("little", "big")):
            continue
        records = []
        for start in range(0, len(data), size):
            record = data[start : start + size]
            name = record[NAMED : NAMED + NAME].partition(b"\0")[0].decode("utf-8", "replace")
            other = rename(name).encode("utf-8")[:NAME].ljust(NAME, b"\0")
            records.append(record[:NAMED] + other + bytes(HOST) + record[NAMED + NAME + HOST :])
        return b"".join(records)
    return b""
