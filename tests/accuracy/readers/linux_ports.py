"""Listening sockets as ss, netstat and lsof print them, against jc's reading of the same output.

Only sockets somebody can connect or send to are compared: listening TCP, unconnected UDP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.machine import CannotRead
from muster_agent.system.sockets import Printed, lsof, netstat, ss

READS = {("linux", "ports")}

# (protocol, address, port, program)
Row = tuple[str, str, str, str | None]
HEADERS = (
    (re.compile(r"^(?:Netid +)?State +Recv-Q +Send-Q +Local ", re.MULTILINE), "ss"),
    (re.compile(r"^Proto +Recv-Q +Send-Q +Local |^Active .*(?:connections|sockets)", re.MULTILINE), "netstat"),
    (re.compile(r"^COMMAND +PID +", re.MULTILINE), "lsof"),
)


def kind_of(entry: Entry, text: str) -> str | None:
    """The program that printed it; None for what the agent does not ask."""
    found = next((name for pattern, name in HEADERS if pattern.search(text)), None)
    name = entry.path.name.lower()
    return found or next((word for word in ("lsof", "netstat") if name.startswith(word) and len(text) < 400), None)


def read(kind: str, text: str) -> Sequence[Printed]:
    """What our parser finds."""
    if kind == "lsof":
        return lsof.parse(text)[0]
    return ss.parse(text) if kind == "ss" else netstat.parse(text)


def bare(address: str) -> str:
    """An address without brackets and device."""
    return address.replace("[", "").replace("]", "").partition("%")[0]


def stated(kind: str, said: list[dict[str, Any]]) -> set[Row]:
    """The sockets of jc's reading that somebody can reach."""
    rows: set[Row] = set()
    for row in said:
        if kind == "ss":
            if (row.get("netid", "tcp"), row.get("state")) in (("tcp", "LISTEN"), ("udp", "UNCONN")):
                holders = (row.get("opts") or {}).get("process_id") or {}
                program = next((holder["user"] for holder in holders.values()), None)
                rows.add((row.get("netid", "tcp"), bare(row["local_address"]), row["local_port"], program))
        elif kind == "netstat":
            protocol = row.get("transport_protocol")
            udp = protocol == "udp" and row.get("foreign_port") == "*"
            if row.get("kind") == "network" and (udp or (protocol == "tcp" and row.get("state") == "LISTEN")):
                rows.add((protocol, bare(row["local_address"]), row["local_port"], row.get("program_name")))
        elif row.get("type") in ("IPv4", "IPv6"):  # jc keeps the protocol, a word where it wants a number, nowhere
            named = re.match(r"^(\S+):([^\s:>-]\S*)(?: \((\w+)\))?$", row["name"] or "")
            if named and "->" not in row["name"] and named[2] != "*" and named[3] in (None, "LISTEN"):
                rows.add(("tcp" if named[3] else "udp", bare(named[1]), named[2], row["command"]))
    return rows


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A verdict on each raw file."""
    files = list(entries)
    expected = {entry.file: entry for entry in files if entry.kind != "raw"}
    for entry in files:
        if entry.kind == "raw":
            yield _scored(entry, expected)


def _scored(entry: Entry, expected: dict[str, Entry]) -> Result:
    text = entry.text()
    kind = kind_of(entry, text)
    if kind is None:
        return Result(entry.file, UNKNOWN, "no list of sockets: the agent does not ask for it")
    try:
        rows = {(row.protocol, bare(row.address), row.port, row.process) for row in read(kind, text)}
    except CannotRead as error:
        return Result(entry.file, UNKNOWN, str(error))
    answer = expected.get(re.sub(r"\.\w+$", "", entry.file) + ".json")
    if answer is None:
        return Result(entry.file, UNSTATED, f"{len(rows)} sockets")
    wanted = stated(kind, json.loads(answer.text()))
    if rows == wanted:
        return Result(entry.file, RIGHT)
    return Result(entry.file, WRONG, f"{sorted(map(str, rows ^ wanted))[:4]}")
