"""Services: systemctl, chkconfig, OpenRC and Upstart as they print them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.machine import CannotRead
from muster_agent.system import openrc, sysv
from muster_agent.system.systemd import systemctl

READS = {("linux", "services")}

UNIT = r"\S+\.(?:service|target|socket|timer|mount|automount|device|path|slice|scope|swap)"
STATE = r"(?:enabled|disabled|static|masked|indirect|generated|linked|transient|alias|bad)\S*"
LOAD = r"(?:loaded|not-found|masked|error|bad-setting)"
KINDS = (
    (rf"\AUNIT FILE\s|\A{UNIT}\s+{STATE}(?:\s+\S+)?\s*$|list unit files", "files"),
    (rf"^(?:\S )?\s*UNIT\s+LOAD\s+ACTIVE|^(?:[^\w\s] )?\s*{UNIT}\s+{LOAD}\s|list units", "units"),
    (r"^Id=\S+\.[a-z]+$", "show"),
    (r"\s0:\S+\s+1:\S+\s|SysV services only", "chkconfig"),
    (r"\A(?:Dynamic )?Runlevel: ", "rc_status"),
    (r"\A\s*\S+ \|", "rc_update"),
    (r"\A\S+(?: \([^()\n]*\))? (?:start|stop)/[a-z-]+", "initctl"),
)


def kind_of(text: str) -> str | None:
    """The program that printed it; None for what the agent does not ask."""
    if re.match(r"\s*(?:LISTEN|JOB|NEXT|SOCKET)\s+UNIT", text):
        return None
    return next((kind for pattern, kind in KINDS if re.search(pattern, text, re.MULTILINE)), None)


def read(kind: str, text: str) -> Any:
    """What our parser finds."""
    parsers = {
        "files": systemctl.list_unit_files,
        "units": systemctl.list_units,
        "show": systemctl.show,
        "chkconfig": sysv.chkconfig,
        "rc_status": openrc.rc_status,
        "rc_update": openrc.rc_update,
        "initctl": sysv.initctl,
    }
    return parsers[kind](text)


def in_words_of_jc(kind: str, found: Any) -> list[dict[str, Any]] | None:
    """Our reading as jc states its own."""
    if kind == "files":
        return [{"unit_file": name, "state": state} for name, state in found.items()]
    if kind == "units":
        return [
            {"unit": one.unit, "load": one.load, "active": one.active, "sub": one.sub}
            # jc keeps ASCII only
            | {"description": one.description.encode("ascii", "ignore").decode()}
            for one in found
        ]
    return None


def pyinfra(said: dict[str, Any]) -> tuple[str, str]:
    """A recorded command of pyinfra with the fact it stands for: name -> whether it is enabled, or runs."""
    text = "\n".join(said.get("output", []))
    kind = kind_of(text)
    if kind is None:
        return UNKNOWN, "a command the agent does not run"
    found = read(kind, text)
    ours: dict[str, bool | None] = {}
    if kind == "rc_update":
        level = (said.get("arg") or ["default"])[0]
        ours = {name: level in levels for name, levels in found.items()}
    elif kind == "rc_status":
        ours = {name: openrc.is_running(state) for name, state in found.items()}
    elif kind == "initctl":
        ours = {job.name: (job.goal, job.state) == ("start", "running") for job in found}
    elif kind == "show" and "UnitFileState" in text:
        states = {name: systemctl.STATES.get(one.get("UnitFileState", "")) for name, one in found.items()}
        ours = {name: None if state is None else state == "AUTO_START" for name, state in states.items()}
    elif kind == "show":
        ours = {name: systemctl.is_running("", one.get("SubState", "")) for name, one in found.items()}
        # What has done its work counts as started to pyinfra; we say neither.
        ours = {name: value for name, value in ours.items() if value is not None or said["fact"].get(name) is not True}
    theirs = {name: value for name, value in said["fact"].items() if name in ours}
    return (RIGHT, "") if ours == theirs and ours else (WRONG, f"{ours} instead of {said['fact']}"[:300])


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    by_file = {entry.file: entry for entry in entries}
    for entry in by_file.values():
        if entry.kind != "raw":
            continue
        text = entry.text()
        try:
            if entry.path.suffix == ".json":
                yield Result(entry.file, *pyinfra(json.loads(text)))
                continue
            kind = kind_of(text)
            if kind is None:
                yield Result(entry.file, UNKNOWN, "a command the agent does not run")
                continue
            found = read(kind, text)
        except (CannotRead, ValueError, KeyError, TypeError, AttributeError) as error:
            yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}"[:200])
            continue
        expected = by_file.get(re.sub(r"(\.out)?\Z", ".json", entry.file, count=1))
        ours = in_words_of_jc(kind, found)
        if expected is None or ours is None:
            yield Result(entry.file, UNSTATED)
            continue
        keys = set(ours[0]) if ours else set()
        theirs = [{key: row.get(key) for key in keys} for row in json.loads(expected.text())]
        differing = [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]]
        same = not differing and len(ours) == len(theirs)
        yield Result(
            entry.file, RIGHT if same else WRONG, "" if same else f"{len(ours)}, {len(theirs)}: {differing[:2]}"
        )
