"""What the accuracy run works on: the recordings of others, and the verdict on each.

A reader is a module in ``readers/`` with ``READS``, the (platform, topic) pairs it is for, and
``score(entries) -> Iterator[Result]``. It is given every entry of the index of those topics, tells by the name and the
content of a file what it is, and says of each raw file what came of it. It names no recording: others of the same
kinds, which nobody here has seen, must be scored as well.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RIGHT, UNKNOWN, WRONG = "right", "unknown", "wrong"
UNSTATED = "unstated"  # read without complaint, and nobody states what should have come of it


@dataclass(frozen=True)
class Entry:
    """One line of recorded/index.tsv."""

    file: str  # path below recorded/
    path: Path
    platform: str  # linux, windows, macos, other
    topic: str  # antivirus, updates, …
    kind: str  # raw: the recording; expected: what its owner states; derived: what its collector read off it
    source: str  # repository it comes from
    what: str

    def text(self) -> str:
        """The file as text: UTF-8, or UTF-16 where a mark says so."""
        data = self.path.read_bytes()
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16", "replace")
        return data.decode("utf-8", "replace")


@dataclass(frozen=True)
class Result:
    """The verdict on one recorded case; a file may hold several."""

    file: str
    verdict: str  # RIGHT, UNKNOWN, WRONG or UNSTATED
    detail: str = ""  # why unknown; what was said and what should have been


def entries(recorded: Path) -> Iterator[Entry]:
    """The entries of the index of ``recorded``, those of a file that is not there left out."""
    with (recorded / "index.tsv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = recorded / line["file"]
            if path.is_file():
                yield Entry(
                    line["file"], path, line["platform"], line["topic"], line["kind"], line["source_repo"], line["what"]
                )
