"""Reports that wait for the server, one file each, named by their number. A report leaves only against a receipt."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Iterator

from muster_agent.sending.envelope import Envelope
from muster_agent.sending.home import Home, State, sync_folder, write_durably
from muster_agent.sending.report import SignedReport

SIZE_LIMIT = 50 * 1024 * 1024  # bytes of waiting reports; security.md §3.3


class Spool:
    """The waiting reports of one :class:`Home`."""

    def __init__(self, home: Home, limit: int = SIZE_LIMIT) -> None:
        self._home = home
        self._folder = home.spool
        self._limit = limit
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
        """Store a report durably; returns the names of older ones that had to go to stay below the limit."""
        write_durably(self._folder / f"{seq:019d}.json", signed.to_json())
        dropped = []
        paths = self.paths()
        size = sum(path.stat().st_size for path in paths)
        for path in paths[:-1]:
            if size <= self._limit:
                break
            size -= path.stat().st_size
            os.unlink(str(path))
            dropped.append(path.name)
        return dropped

    def remove(self, path: Path) -> None:
        """Take out a report that the server has acknowledged."""
        os.unlink(str(path))
        sync_folder(self._folder)

    def refuse(self, path: Path, answer: object = None) -> None:
        """Put aside a report that the server will never take, with its answer, so that it cannot block the rest."""
        os.replace(str(path), str(self._home.refused / path.name))
        if answer is not None:
            data = json.dumps(answer, ensure_ascii=False, default=str).encode("utf-8")
            write_durably(self._home.refused / (path.stem + ".answer.txt"), data)
        sync_folder(self._folder)
