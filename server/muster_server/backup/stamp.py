"""What a backup leaves in the data folder: when the last one was made, where it went, and the head it holds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from muster_server.store.evidence import Head
from muster_server.store.schema import moment_text

FILE = "last-backup.json"


@dataclass(frozen=True)
class Stamp:
    """The last backup."""

    at: datetime
    path: str
    head: str  # POSITION:HASH


def leave(data: Path, now: datetime, path: Path, head: Head) -> None:
    """Remember a backup. Raises ``OSError``."""
    text = json.dumps({"at": moment_text(now), "path": str(path.absolute()), "head": str(head)}, ensure_ascii=False)
    unfinished = data / (FILE + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    unfinished.rename(data / FILE)


def last(data: Path) -> Stamp | None:
    """The last backup; None when there is none that is known of."""
    try:
        said = json.loads((data / FILE).read_text("utf-8"))
        at = datetime.fromisoformat(said["at"])
        moment_text(at)  # a moment without a zone is none
        return Stamp(at, str(said["path"]), str(said["head"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
