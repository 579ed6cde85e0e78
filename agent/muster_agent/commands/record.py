"""``muster-agent record``: write down what this PC answers, so that a wrong result becomes a test."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from muster_agent.canonical import canonical
from muster_agent.collect import collect_table
from muster_agent.commands.check import described
from muster_agent.facts import TABLES, Tables
from muster_agent.local import LocalMachine
from muster_agent.machine import Machine
from muster_agent.recording import RecordedMachine, Recorder, Recording
from muster_agent.recording import file as recording_file
from muster_agent.recording.redaction import redacted
from muster_agent.recording.reduction import reduced
from muster_agent.words import Words

DONE, DIFFERS, NOT_WRITTEN = 0, 3, 5
RECORDING, EXPECTED = "recording.json", "expected.json"


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """The options of this command."""
    parser.add_argument("folder", metavar="DIR", help=words("record.option.folder"))
    parser.add_argument(
        "--table", action="append", choices=sorted(TABLES), metavar="TABLE", help=words("record.option.table")
    )


def write(folder: str, name: str, text: str) -> int:
    """Write a new file only its owner may read; returns its size in bytes. Raises ``OSError``.

    O_EXCL and O_NOFOLLOW: never through a link somebody put there.
    """
    data = text.encode("utf-8")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(os.path.join(folder, name), flags, 0o600), "wb") as file:
        file.write(data)
    return len(data)


def tables_of(machine: Machine, wanted: list[str]) -> Tables:
    """The ``wanted`` tables of ``machine``."""
    return {name: collect_table(machine, name) for name in wanted}


def smallest_faithful(recording: Recording, tables: Tables) -> Recording:
    """The reduced recording, or the whole one should the reduction have left out what some table rests on."""
    small = reduced(recording)
    replayed = tables_of(RecordedMachine(small), list(tables))
    return small if canonical(described(replayed)) == canonical(described(tables)) else recording


def shape(table: dict[str, Any]) -> tuple[Any, ...]:
    """What of a table redaction leaves as it is: whether it was read, how many rows, what is missing and why."""
    rows = None if table["rows"] is None else len(table["rows"])
    return table["status"], rows, sorted((note["code"], note.get("column", "")) for note in table["notes"])


def main(arguments: argparse.Namespace, words: Words) -> int:
    """Record, replay what was recorded, and say what was taken out of it.

    ``expected.json`` is what the tables come to in the replay, so it is as redacted as the recording.
    """
    folder = os.path.abspath(arguments.folder)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        occupied = bool(os.listdir(folder))
    except OSError as error:
        print(words("record.cannot_write", folder=folder, reason=error.strerror or error), file=sys.stderr)
        return NOT_WRITTEN
    if occupied:
        print(words("record.not_empty", folder=folder), file=sys.stderr)
        return NOT_WRITTEN
    wanted = [name for name in TABLES if not arguments.table or name in arguments.table]
    recorder = Recorder(LocalMachine())
    seen = tables_of(recorder, wanted)
    recording, redaction = redacted(smallest_faithful(recorder.recording, seen), seen)
    text = recording_file.to_json(recording)
    replayed = described(tables_of(RecordedMachine(recording_file.from_json(text)), wanted))
    try:
        size = write(folder, RECORDING, text)
        size += write(folder, EXPECTED, recording_file.visible(replayed))
    except OSError as error:
        print(words("record.cannot_write", folder=folder, reason=error.strerror or error), file=sys.stderr)
        return NOT_WRITTEN
    print(words("record.done", answers=len(recording.questions()), folder=folder, size=(size + 999) // 1000))
    replaced = [
        words("record.kind", kind=words("redacted." + kind), count=count)
        for kind, count in sorted(redaction.counts.items())
        if count
    ]
    if replaced:
        print(words("record.redacted", list=words("record.comma").join(replaced)))
    else:
        print(words("record.nothing_redacted"))
    print(words("record.look", file=os.path.join(folder, RECORDING)))
    differing = [name for name in wanted if shape(described(seen)[name]) != shape(replayed[name])]
    if differing:
        print(words("record.differs", tables=", ".join(differing)), file=sys.stderr)
        return DIFFERS
    return DONE
