"""How far back the logs of a Linux PC reach: by the first lines of its syslog files and the heads of its journal.

The last change of a file that was set aside is a moment its records reach back to, also for who may not read them.
"""

from __future__ import annotations

import re
import time
import zlib

from muster_agent.collect.settings.weeks import next_monday
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import journald
from muster_agent.system.filetime import LATEST

FOLDER = "/var/log"
TEXT = re.compile(r"(?:auth\.log|secure|syslog|messages)(?:[.-][0-9][0-9A-Za-z.-]*)?(?:\.gz|\.xz|\.bz2|\.zst)?\Z")
IN_USE = ("/auth.log", "/secure", "/syslog", "/messages")  # written to; the others are set aside
JOURNALS = ("/var/log/journal", "/run/log/journal")
START = 4096  # bytes of a file that surely hold its first line
ISO = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})")
TRADITIONAL = re.compile(rb"([A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}) ")
DAY = 24 * 60 * 60


def _seconds(text: str, form: str) -> int | None:
    try:
        moment = time.strptime(text, form)
    except ValueError:
        return None
    # As if it were UTC: a time zone is at most a day, which is added. The answer says "at least".
    days = (moment.tm_year - 1970) * 365 + (moment.tm_year - 1969) // 4 - (moment.tm_year - 1901) // 100
    days += (moment.tm_year - 1601) // 400 + moment.tm_yday - 1
    return (days + 1) * DAY + moment.tm_hour * 3600 + moment.tm_min * 60 + moment.tm_sec


def first_line(data: bytes, changed: int) -> int | None:
    """When the first record of a syslog file was written, by the beginning of the file and its last change, which
    tells the year that the traditional form leaves out. None when it does not show."""
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, START)
        except zlib.error:
            return None
    said = ISO.match(data)
    if said:
        return _seconds(said.group(1).decode("ascii"), "%Y-%m-%dT%H:%M:%S")
    said = TRADITIONAL.match(data)
    if not said:
        return None
    year = time.gmtime(changed).tm_year
    text = said.group(1).decode("ascii")
    for guess in (year, year - 1):
        found = _seconds(f"{guess} {text}", "%Y %b %d %H:%M:%S")
        if found is not None and found <= changed + 2 * DAY:
            return found
    return None


def _of_text(machine: Machine, path: str) -> int:
    changed = machine.stat(path).mtime
    if not 0 <= changed < LATEST:
        raise CannotRead("not_understood", path)
    try:
        said = first_line(machine.read_start(path, START), changed)
    except CannotRead:
        if not path.endswith(IN_USE):
            return changed  # set aside: this is its last record
        raise
    if said is None and path.endswith(IN_USE):
        raise CannotRead("not_understood", path)
    return changed if said is None else min(changed, said)


def _of_journal(machine: Machine, path: str) -> int:
    name = path.rpartition("/")[2]
    said = journald.first_entry(name, None)
    if said is None:
        said = journald.first_entry(name, machine.read_start(path, journald.HEADER))
    if said is None:
        raise CannotRead("not_understood", path)
    return said


def oldest(machine: Machine) -> tuple[str]:
    """The Monday the logs surely reach back to. Of a file in use only its beginning tells; where that may not be read,
    the others do. Raises :class:`CannotRead` when none does."""
    found = [(_of_text, f"{FOLDER}/{name}") for name in machine.names(FOLDER) if TEXT.match(name)]
    for folder in JOURNALS:
        for identifier in machine.names(folder):
            if re.match(r"[0-9a-f]{32}\Z", identifier):
                place = f"{folder}/{identifier}"
                names = [name for name in machine.names(place) if name.endswith((".journal", ".journal~"))]
                found += [(_of_journal, f"{place}/{name}") for name in names]
    failure = CannotRead("no_logs", FOLDER, "unsupported")
    moments = []
    for read, path in found:
        try:
            moments.append(read(machine, path))
        except CannotRead as error:
            failure = error
    if not moments:
        raise failure
    return (next_monday(min(moments)),)
