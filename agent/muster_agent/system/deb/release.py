"""Who publishes an apt list: the head of its (In)Release file."""

from __future__ import annotations

import re
from datetime import datetime

from muster_agent.dataclass import dataclass
from muster_agent.machine import Machine
from muster_agent.system.deb import paragraphs

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DATE = re.compile(
    r"\s*(?:[A-Za-z]{3},?\s+)?(?P<day>[0-9]{1,2})\s+(?P<month>[A-Za-z]{3})\s+(?P<year>[0-9]{4})\s+"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})\s+(?:UTC|GMT|Z|[+-]0000)\s*$"
)
HEAD = 32 * 1024  # bytes; the checksums that follow the head of a Release file fill the rest of it


@dataclass(frozen=True)
class Release:
    """What a publisher says of a suite."""

    origin: str = ""
    label: str = ""
    suite: str = ""
    version: str = ""
    codename: str = ""
    date: str = ""  # RFC 3339 in UTC; empty when not stated
    not_automatic: bool = False
    but_automatic_upgrades: bool = False

    def words(self, site: str) -> str:
        """The origin in apt's words, e.g. ``Debian-Security:12/oldstable-security``.

        After VerIterator::RelStr of apt (apt-pkg/pkgcache.cc): label, version and suite, or the site that offers it
        where the publisher states no suite.
        """
        label = self.label + ":" if self.label else ""
        if not self.suite:
            return label + (site or "localhost")
        return label + (f"{self.version}/{self.suite}" if self.version else self.suite)


def moment(date: str) -> str:
    """The Date of a Release file ("Sat, 21 Nov 2026 00:53:02 UTC") in RFC 3339; empty when it is none.

    apt itself takes UTC, GMT, Z and +0000, and nothing else (apt-pkg/contrib/strutl.cc, RFC1123StrToTime).
    """
    found = DATE.match(date)
    if found is None or found.group("month").lower() not in MONTHS:
        return ""
    month = MONTHS.index(found.group("month").lower()) + 1
    year, day, hour, minute, second = (int(found.group(name)) for name in ("year", "day", "hour", "minute", "second"))
    try:
        return datetime(year, month, day, hour, minute, second).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""


def parse(text: bytes) -> Release:
    """The head of a Release file, in its signed wrapping or not."""
    head = text
    if text.startswith(b"-----BEGIN PGP SIGNED MESSAGE"):
        head = text.partition(b"\n\n")[2]
    found = paragraphs.fields(head.partition(b"\n\n")[0])
    return Release(
        origin=found.get("origin", ""),
        label=found.get("label", ""),
        suite=found.get("suite", ""),
        version=found.get("version", ""),
        codename=found.get("codename", ""),
        date=moment(found.get("date", "")),
        not_automatic=found.get("notautomatic", "") == "yes",
        but_automatic_upgrades=found.get("butautomaticupgrades", "") == "yes",
    )


def read(machine: Machine, path: str) -> Release:
    """The head of the Release file at ``path``."""
    return parse(machine.read_start(path, HEAD))
