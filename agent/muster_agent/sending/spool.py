"""Reports that wait for the server, one file each, named by their number. A report leaves only against a receipt.

The folder is bounded: 50 MB, 30 days on which the PC ran, and on a disk with less than 200 MB free the newest alone.
What has to go goes in this order (never the newest, which says how the PC stands now):

1. reports between two others that say the same: nothing is lost with them
2. the earlier of two that say the same
3. the oldest

Nothing goes unseen: the next report names its predecessor by digest, and its own number, in bytes the PC has signed.
So the server, and an auditor after years, sees how many are missing and where.
"""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
from pathlib import Path
from typing import Callable, Iterator

from muster_agent.canonical import digest
from muster_agent.sending.envelope import Envelope
from muster_agent.sending.home import Home, State, sync_folder, write_durably
from muster_agent.sending.report import SignedReport

SIZE_LIMIT = 50 * 1024 * 1024  # bytes of waiting reports; security.md §3.3
# By the dates the reports themselves bear, each counted once: so a clock that jumps ten years makes one day of it, and
# no report is lost by it.
DAY_LIMIT = 30
LEAST_FREE = 200 * 1024 * 1024  # bytes of the disk; below, only the newest report waits
ROOM = 0.9  # of the limit: what is left once something had to go
REFUSED_LIMIT = 200  # reports put aside that are kept for whoever looks into it
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def free_space(folder: Path) -> int:
    """Bytes that may still be written to the disk of ``folder``."""
    if hasattr(os, "statvfs"):
        found = os.statvfs(str(folder))
        return found.f_bavail * found.f_frsize
    import shutil  # Windows

    return shutil.disk_usage(str(folder)).free


class Spool:
    """The waiting reports of one :class:`Home`."""

    def __init__(self, home: Home, limit: int = SIZE_LIMIT, free: Callable[[Path], int] = free_space) -> None:
        self._home = home
        self._folder = home.spool
        self._limit = limit
        self._free = free
        self.damaged: list[str] = []  # files that held no report any more

    def paths(self) -> list[Path]:
        """The waiting files, oldest first."""
        return sorted(path for path in self._folder.iterdir() if path.name.endswith(".json"))

    def waiting(self) -> Iterator[tuple[Path, Envelope, SignedReport]]:
        """The waiting reports, oldest first. What is none is moved to refused/ and remembered in :attr:`damaged`."""
        for path in self.paths():
            try:
                signed = SignedReport.from_json(path.read_bytes())
                envelope = Envelope.parse(signed.envelope)
            except (OSError, ValueError):
                self.refuse(path)
                self.damaged.append(path.name)
                continue
            yield path, envelope, signed

    def last(self, acknowledged: State) -> State:
        """What the next report follows: the newest waiting one, else the last acknowledged one.

        Only tables that were acknowledged count as known to the server: a waiting report may still be refused.
        """
        newest = max((envelope for _, envelope, _ in self.waiting()), key=lambda e: e.seq, default=None)
        refused = max(
            (int(path.stem) for path in self._home.refused.glob("*.json") if re.match("^[0-9]{19}$", path.stem)),
            default=0,
        )
        if newest is None or newest.seq <= acknowledged.seq:
            # A number is used once: a refused report keeps its own.
            return State(max(acknowledged.seq, refused), acknowledged.digest, acknowledged.known)
        return State(max(newest.seq, refused), newest.digest, acknowledged.known)

    def put(self, seq: int, signed: SignedReport) -> list[str]:
        """Store a report durably; returns the names of older ones that had to go. Raises ``OSError``."""
        path = self._folder / f"{seq:019d}.json"
        data = signed.to_json()
        dropped: list[str] = []
        while True:
            try:
                write_durably(path, data)
                break
            except OSError as error:
                # The disk is full to the last byte: how the PC stands now is worth more than how it stood.
                order = self._order() if error.errno in FULL else []
                if not order:
                    raise
                dropped.append(self._drop(order[0]))
        return dropped + self._fit()

    def _fit(self) -> list[str]:
        """Bring the spool within its bounds."""
        paths = self.paths()
        sizes = {path: path.stat().st_size for path in paths}
        if len(paths) > 1 and self._free(self._folder) < LEAST_FREE:
            return [self._drop(path) for path in paths[:-1]]
        dropped = [self._drop(path) for path in self._late(paths)]
        size = sum(sizes[path] for path in paths if path.name not in dropped)
        if size > self._limit:
            # A little more than must be: to look into every report takes seconds, and should not be done at every run.
            for path in self._order():
                if size <= self._limit * ROOM:
                    break
                size -= sizes[path]
                dropped.append(self._drop(path))
        return dropped

    def _late(self, paths: list[Path]) -> list[Path]:
        """What is older than the last thirty days on which the PC ran."""
        if len(paths) <= DAY_LIMIT:
            return []
        last: dict[str, int] = {}  # of each day, its last report
        days = [_day(path) for path in paths]
        for at, day in enumerate(days):
            last[day] = at
        kept = set(sorted(last, key=lambda day: last[day])[-DAY_LIMIT:])
        return [path for path, day in zip(paths[:-1], days) if day not in kept]

    def _order(self) -> list[Path]:
        """Every waiting report but the newest, in the order in which they may go."""
        paths = self.paths()
        facts = [_facts(path) for path in paths]
        ranks: list[tuple[int, int]] = []
        for at, said in enumerate(facts[:-1]):
            as_after = said != "" and said == facts[at + 1]
            as_before = at > 0 and said == facts[at - 1]
            ranks.append((0 if as_after and as_before else 1 if as_after else 2, at))
        return [paths[at] for _, at in sorted(ranks)]

    def _drop(self, path: Path) -> str:
        os.unlink(str(path))
        return path.name

    def remove(self, path: Path) -> None:
        """Take out a report that the server has acknowledged."""
        os.unlink(str(path))
        sync_folder(self._folder)

    def refuse(self, path: Path, answer: object = None) -> None:
        """Put aside a report that the server will never take, with its answer, so that it cannot block the rest."""
        os.replace(str(path), str(self._home.refused / path.name))
        if answer is not None:
            data = json.dumps(answer, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")
            write_durably(self._home.refused / (path.stem + ".answer.txt"), data)
        sync_folder(self._folder)
        kept = sorted(self._home.refused.glob("*.json"))
        for old in kept[:-REFUSED_LIMIT]:
            for name in (old, old.with_name(old.stem + ".answer.txt")):
                if name.is_file() or name.is_symlink():
                    os.unlink(str(name))


def _day(path: Path) -> str:
    """The day a report was made on, by the PC's clock; nothing for a file that is no report."""
    try:
        return Envelope.parse(SignedReport.from_json(path.read_bytes()).envelope).collected_at[:10]
    except (OSError, ValueError):
        return ""


def _facts(path: Path) -> str:
    """A digest of what a report says of the PC; nothing for a file that is no report.

    The manifest stands at the end of the body, in the one form of canonical JSON, so it is not read but compared.
    """
    try:
        body = gzip.decompress(SignedReport.from_json(path.read_bytes()).body)
    except (OSError, EOFError, ValueError):
        return ""
    begin = body.rfind(b',"manifest":{')
    return digest(body[begin:]) if begin >= 0 else ""
