"""The recorded machines of tests/agent/collect, what a collector makes of them, and what every table must be."""

from __future__ import annotations

import functools
import ipaddress
import os
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings

from muster_agent.canonical import row_dict
from muster_agent.collect import collector
from muster_agent.facts import STATUSES, TABLES, Table
from muster_agent.machine import CannotRead
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.recording.file import from_json
from muster_agent.words import Words

COLLECT = Path(__file__).resolve().parents[1] / "collect"
MANY = os.environ.get("MUSTER_FUZZ") == "many"
FOLDERS = sorted(path.parent for path in COLLECT.glob("*/*/recording.json"))
GROUPS = sorted({(folder.parent.name, folder.name.partition("-")[0]) for folder in FOLDERS})
NAMED = ("files", "starts", "folders", "stats", "links", "programs", "values", "keys", "apis")
# How a property is searched: the same examples every time, or as many others as one has time for (make fuzz).
thorough = functools.partial(
    settings,
    derandomize=not MANY,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

Question = tuple[str, Any]  # where a recording keeps the answer, and its key there


@functools.cache
def recordings(table: str, platform: str) -> tuple[tuple[str, Recording], ...]:
    """The recorded machines of a table, by name."""
    found = [folder for folder in FOLDERS if folder.parent.name == table and folder.name.startswith(platform + "-")]
    return tuple((folder.name, from_json((folder / "recording.json").read_text("utf-8"))) for folder in found)


@functools.cache
def questions(table: str, platform: str) -> tuple[tuple[str, Recording, Question], ...]:
    """Every question of every recorded machine of a table."""
    return tuple(
        (name, recording, question)
        for name, recording in recordings(table, platform)
        for question in sorted(recording.questions(), key=str)
    )


def answer_to(recording: Recording, question: Question) -> Any:
    """What the PC said, or the failure."""
    kept = getattr(recording, question[0])
    return kept[question[1]] if question[0] in NAMED else kept


def answering(recording: Recording, question: Question, answer: Any) -> Recording:
    """The same PC with another answer."""
    kind, key = question
    return replace(recording, **{kind: {**getattr(recording, kind), key: answer} if kind in NAMED else answer})


def collected(pc: Recording | RecordedMachine, table: str) -> Table:
    """What the collector itself makes of it; anything but CannotRead is a bug and comes through. What was not recorded
    is not there, unless the machine says otherwise."""
    machine = RecordedMachine(pc, whole=True) if isinstance(pc, Recording) else pc
    collect = collector(table, machine.platform)
    assert collect is not None
    try:
        return collect(machine)
    except CannotRead as error:
        return Table(problem=error.problem())


# -- the contract ----------------------------------------------------------------------------------------------------

CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")
TYPES = {"integer": int, "boolean": bool}
MOST = {"port": 65535, "rdp_port": 65535, "netmask": 128}
words = functools.cache(lambda: Words("zh"))


def holds(kind: str, value: Any) -> bool:
    """Whether a value is one of its column's kind."""
    if type(value) is not TYPES.get(kind, str):
        return False
    try:
        if kind == "moment":
            return bool(MOMENT.fullmatch(value) and datetime.fromisoformat(value.replace("Z", "+00:00")))
        return kind != "address" or bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def breaches(name: str, table: Table) -> Iterator[str]:
    """Where a table leaves the contract."""
    columns = {f.name: f.metadata for f in fields(TABLES[name])}
    for problem in (*table.notes, *([table.problem] if table.problem else [])):
        known = problem.column is None or problem.column in columns
        if problem.status not in STATUSES[1:] or not CODE.fullmatch(problem.code) or not known:
            yield f"{problem}"
        if problem.code == "collector_failed" or not words().has("reason." + problem.code):
            yield f"{problem.code}: {problem.detail}"
    if table.rows is None and table.problem is None:
        yield "neither rows nor a problem"
    for row in table.rows or ():
        assert type(row) is TABLES[name]
        for column, value in row_dict(row).items():
            choices = columns[column]["choices"]
            low = type(value) is int and value < 0 and (name, column) != ("users", "uid")  # macOS: nobody is -2
            high = type(value) is int and value > MOST.get(column, value)
            if not holds(columns[column]["kind"], value) or (choices and value not in choices) or low or high:
                yield f"{column}={value!r}"[:200]
