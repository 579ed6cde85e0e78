"""Accounts and groups: passwd, group and shadow files, as files or as getent prints them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.system.accounts import passwd, shadow

READS = {("linux", "users")}

PASSWD = re.compile(r"[^\s:|]*:[^:\n|]*:[0-9]+:[0-9]+:[^\n|]*\Z")
SHADOW = re.compile(r"[^\s:]+:[^:\n]*:[0-9-]*:[0-9-]*:[0-9-]*:[0-9-]*:[0-9-]*:[0-9-]*:[^:\n]*\Z")
GROUP = re.compile(r"[^\s:]+:[^:\n]*:[0-9]+:[^:\n]*\Z")


def kind_of(text: str) -> str | None:
    """What the lines are, by the first that says something."""
    first = next((line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    kinds = {"passwd": PASSWD, "shadow": SHADOW, "group": GROUP}
    return next((kind for kind, pattern in kinds.items() if pattern.match(first)), None)


def facts(kind: str, text: str) -> list[dict[str, Any]]:
    """What our parser reads, in jc's words."""
    if kind == "passwd":
        accounts = passwd.parse(text)
        return [
            {"username": one.name, "password": one.password, "uid": one.uid, "gid": one.gid}
            | {"comment": one.comment, "home": one.home, "shell": one.shell}
            for one in accounts.accounts
        ]
    if kind == "group":
        return [
            {"group_name": one.name, "gid": one.gid, "members": list(one.members)}
            for one in passwd.parse_groups(text).groups
        ]
    return [
        {"username": name, "password": one.password, "maximum": one.maximum, "inactive": one.inactive}
        for name, one in shadow.parse(text)[0].items()
    ]


def strange(kind: str, text: str) -> list[str]:
    """The lines our parser hands back as no entry."""
    if kind == "passwd":
        return list(passwd.parse(text).strange)
    return list(passwd.parse_groups(text).strange) if kind == "group" else shadow.parse(text)[1]


def pyinfra(said: dict[str, Any]) -> tuple[str, str]:
    """A recorded command of pyinfra with the fact it stands for."""
    fact = said.get("fact")
    lines = [line for line in said.get("output", []) if isinstance(line, str)]
    if isinstance(fact, list) and kind_of("\n".join(lines)) == "group":
        names = [one.name for one in passwd.parse_groups("\n".join(lines)).groups]
        return (RIGHT, "") if names == fact else (WRONG, f"{names} instead of {fact}")
    if isinstance(fact, dict) and all("|" in line for line in lines):
        accounts = passwd.parse("\n".join(line.partition("|")[0] for line in lines)).accounts
        ours = {one.name: {"home": one.home, "comment": one.comment, "shell": one.shell} for one in accounts}
        theirs = {
            name: {key: (value.get(key) or "") for key in ("home", "comment", "shell")} for name, value in fact.items()
        }
        return (RIGHT, "") if ours == theirs else (WRONG, f"{ours} instead of {theirs}")
    return UNKNOWN, "a command the agent does not run"


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    by_file = {entry.file: entry for entry in entries}
    for entry in by_file.values():
        if entry.kind != "raw":
            continue
        text = entry.text()
        if entry.path.suffix == ".json":
            try:
                yield Result(entry.file, *pyinfra(json.loads(text)))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                yield Result(entry.file, UNKNOWN, f"{type(error).__name__}: {error}"[:200])
            continue
        kind = kind_of(text)
        if kind is None:
            yield Result(entry.file, UNKNOWN, "the agent does not ask this; it reads the files of accounts themselves")
            continue
        expected = by_file.get(re.sub(r"(\.out)?\Z", ".json", entry.file, count=1))
        if expected is None:
            left = strange(kind, text)
            yield Result(entry.file, UNKNOWN if left else UNSTATED, "; ".join(left)[:200])
            continue
        ours = facts(kind, text)
        keys = set(ours[0]) if ours else set()
        theirs = [{key: row.get(key) for key in keys} for row in json.loads(expected.text())]
        left = strange(kind, text)
        if ours == theirs:
            yield Result(entry.file, RIGHT)
        elif left and all(row in theirs for row in ours):  # the table has a note that says so
            yield Result(entry.file, UNKNOWN, f"lines that are no entry: {left[0][:100]}")
        else:
            differing = [(one, other) for one, other in zip(ours, theirs, strict=False) if one != other]
            yield Result(entry.file, WRONG, f"{len(ours)} and {len(theirs)} rows, {differing[:2]}")
