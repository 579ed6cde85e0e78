"""Encryption: LUKS headers as cryptsetup luksDump prints them, against what Red Hat's insights states of them.

Whether a volume is encrypted the agent reads from /sys and /proc, which lsblk, blkid and mount print a part of; it
asks none of these programs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.machine import CannotRead
from muster_agent.system import luks

READS = {("linux", "encryption")}

NO_HEADER = "not LUKS"


def is_dump(entry: Entry, text: str) -> bool:
    """Whether it is output of luksDump, by what it begins with or by the name of a damaged one."""
    return text.lstrip().startswith("LUKS header information") or "luksdump" in entry.path.name.lower()


def agrees(header: luks.Header, said: dict[str, Any]) -> bool:
    """Whether all that is stated of a header is what we read: its version and its key slots."""
    slots = said.get("slots_enabled")
    return (
        str(header.version) == str(said["luks_version"])
        and (slots is None or [int(slot) for slot in slots] == list(header.slots))
        and said.get("keyslots", len(header.slots)) == len(header.slots)
    )


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A verdict on each raw file."""
    files = list(entries)
    stated: dict[str, Any] = {}
    for entry in files:
        if entry.path.name == "expected.json":
            folder = entry.file.rpartition("/")[0]
            stated.update({f"{folder}/{name}": answer for name, answer in json.loads(entry.text()).items()})
    for entry in files:
        if entry.kind == "raw":
            yield _scored(entry, stated.get(re.sub(r"\.\w+$", "", entry.file), stated.get(entry.file)))


def _scored(entry: Entry, answer: Any) -> Result:
    text = entry.text()
    if not is_dump(entry, text):
        return Result(entry.file, UNKNOWN, "the agent does not ask for it: it reads /sys and /proc")
    try:
        header = luks.parse(text)
    except CannotRead as error:
        return Result(entry.file, RIGHT if answer == NO_HEADER else UNKNOWN, str(error))
    if answer is None:
        return Result(entry.file, UNSTATED, str(header))
    right = isinstance(answer, dict) and agrees(header, answer)
    return Result(entry.file, RIGHT if right else WRONG, f"{header} for {answer}")
