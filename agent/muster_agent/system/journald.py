"""systemd's journal: journald.conf(5), and how far back the files of a journal reach."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import keyfile

FOLDERS = ("/usr/lib/systemd/journald.conf.d", "/run/systemd/journald.conf.d", "/etc/systemd/journald.conf.d")
FILES = ("/usr/lib/systemd/journald.conf", "/etc/systemd/journald.conf")
SIGNATURE = b"LPKSHHRH"
HEAD = 184  # offset of head_entry_realtime in the header (systemd, JOURNAL_FILE_FORMAT)
HEADER = HEAD + 8
# An archived file names the moment of its first entry: system@<seqnum id>-<seqnum>-<microseconds>.journal
ARCHIVED = re.compile(r"[^@]+@[0-9a-f]{32}-[0-9a-f]{16}-([0-9a-f]{16})\.journal(?:~|\.zst)?\Z")
SIZE = re.compile(r"([0-9]{1,15})\s*([KMGTPE]?)\Z")
SPAN = re.compile(r"\s*([0-9]{1,9})\s*([a-zA-Z]*)")
SECONDS = {"": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "minute": 60, "minutes": 60}
SECONDS.update({"h": 3600, "hr": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400})
SECONDS.update({"w": 604800, "week": 604800, "weeks": 604800, "M": 2629800, "month": 2629800, "months": 2629800})
SECONDS.update({"y": 31557600, "year": 31557600, "years": 31557600})


def settings(machine: Machine) -> dict[str, str]:
    """The settings of the journal: the main file, then drop-ins by their name. Raises :class:`CannotRead`."""
    found: keyfile.Sections = {}
    for path in FILES:
        try:
            keyfile.parse(machine.text(path), found)
        except NotFound:
            continue
    drop_ins = {name: folder for folder in FOLDERS for name in machine.names(folder) if name.endswith(".conf")}
    for name in sorted(drop_ins):
        keyfile.parse(machine.text(f"{drop_ins[name]}/{name}"), found)
    return found.get("Journal", {})


def size(text: str) -> int:
    """Bytes of a size such as 500M. Raises :class:`CannotRead`."""
    said = SIZE.match(text)
    if not said:
        raise CannotRead("not_understood", f"journald.conf: {text}"[:100])
    return int(said.group(1)) << (10 * " KMGTPE".index(said.group(2) or " "))


def span(text: str) -> int:
    """Seconds of a span such as "6month" or "1h 30min" (systemd.time(7)). Raises :class:`CannotRead`."""
    total, at, whole = 0, 0, text.strip()
    while at < len(whole):
        said = SPAN.match(whole, at)
        if not said or said.group(2) not in SECONDS:
            raise CannotRead("not_understood", f"journald.conf: {text}"[:100])
        total += int(said.group(1)) * SECONDS[said.group(2)]
        at = said.end()
    return total


def first_entry(name: str, header: bytes | None) -> int | None:
    """When the oldest entry of a journal file was written (seconds since 1970), by its name or its header."""
    archived = ARCHIVED.match(name)
    if archived:
        return int(archived.group(1), 16) // 1_000_000
    if header is None or len(header) < HEADER or not header.startswith(SIGNATURE):
        return None
    moment = int.from_bytes(header[HEAD:HEADER], "little") // 1_000_000
    return moment or None
