"""ClamAV: how old its signatures are, what version it is, and whether it checks files as they are opened."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from typing import Sequence

from muster_agent.collect.antivirus import vendors
from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, NotFound

DATABASES = "/var/lib/clamav"
DARWIN_DATABASES = ("/opt/homebrew/var/lib/clamav", "/usr/local/var/lib/clamav", DATABASES)  # Homebrew's two, MacPorts
SETTINGS = ("/etc/clamav/clamd.conf", "/etc/clamav/freshclam.conf", "/etc/clamd.d/scan.conf", "/etc/freshclam.conf")
HEADER = 512  # bytes: ClamAV-VDB:build time:version:signatures:level:md5:dsig:builder:stime, padded with blanks
MAGIC = "ClamAV-VDB:"
ON_ACCESS = "clamonacc"  # the only process that makes ClamAV check files as they are opened
# ClamAV 1.4.3/28046/Mon Jun 29 03:27:20 2026, or ClamAV 1.4.3 where there are no signatures.
VERSION = re.compile(r"^ClamAV ([0-9][0-9A-Za-z.+~-]{0,40})(?:/([0-9]{1,9})(?:/([A-Za-z0-9: ]{10,40}))?)?\s*$")


@dataclass(frozen=True)
class Signatures:
    """The head of one signature file."""

    file: str
    version: int
    built: int  # seconds since 1970, UTC

    @property
    def date(self) -> str:
        """When they were built, as RFC 3339 in UTC."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.built))


def parse(header: bytes, path: str) -> Signatures:
    """The head of a .cvd or .cld file. Raises ``not_understood`` for anything else."""
    fields = header[:HEADER].decode("ascii", "replace").rstrip(" \0\n").split(":")
    try:
        if fields[0] + ":" != MAGIC:
            raise ValueError("no such magic")
        built = int(fields[8]) if len(fields) > 8 else 0
        if built == 0:  # files of a private mirror state the time as text only: 21 Nov 2026 09-26 -0500
            built = int(datetime.strptime(fields[1], "%d %b %Y %H-%M %z").astimezone(timezone.utc).timestamp())
        if not 0 < built < 2**32:
            raise ValueError("no time")
        return Signatures(path.rpartition("/")[2], int(fields[2]), built)
    except (ValueError, IndexError, OverflowError) as error:
        raise CannotRead("not_understood", path) from error


def parse_version(text: str) -> tuple[str, str | None]:
    """(version, version of the signatures) in what ``clamscan --version``, ``clamd --version`` and ``freshclam
    --version`` print; the second is None where there are no signatures. The date beside them is local time."""
    for line in text.splitlines():  # a warning may stand before it
        found = VERSION.match(line[:200])
        if found:
            return found.group(1), found.group(2)
    raise CannotRead("not_understood", "clamscan --version")


def folder(machine: Machine) -> str:
    """Where the signatures lie, by ClamAV's own settings. An unreadable setting leaves the usual place."""
    for path in SETTINGS:
        try:
            found = re.search(r"^DatabaseDirectory\s+(/\S+)\s*$", machine.text(path), re.MULTILINE)
        except CannotRead:
            continue
        if found:
            return found.group(1).rstrip("/")
    return DATABASES


def signatures(machine: Machine, places: Sequence[str]) -> list[Signatures]:
    """The signature files in the first of ``places`` that has any, the newest of ``daily`` first: it alone tells how
    fresh ClamAV is.

    Raises :class:`CannotRead` when there is no daily file to be read.
    """
    for place in places:
        found: list[Signatures] = []
        for name in machine.names(place):
            if re.match(r"^(daily|main|bytecode)\.(cvd|cld)$", name):
                found.append(parse(machine.read_start(f"{place}/{name}", HEADER), f"{place}/{name}"))
        found.sort(key=lambda entry: (not entry.file.startswith("daily."), -entry.version, entry.file))
        if found and found[0].file.startswith("daily."):
            return found
    raise NotFound(f"{places[0]}/daily.cvd")


def version(machine: Machine, presence: Sequence[str]) -> str:
    """The version of the programs in ``presence`` (path:/usr/bin/clamscan), for a PC where no package tells it.

    Raises :class:`CannotRead`.
    """
    programs = [entry[len("path:") :] for entry in presence if entry.startswith("path:")]
    if not programs:
        raise NotFound("clamscan")
    return parse_version(vendors.output(machine, programs, "--version"))[0]
