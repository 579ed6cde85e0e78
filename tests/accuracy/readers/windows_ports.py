"""Listening sockets of Windows, against our table of them.

The agent asks Windows's tables of sockets; what ``Get-NetTCPConnection`` tells of a listening socket is handed to the
collector as the machine would have seen it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from cases import UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.collect import collect_table
from muster_agent.machine import Listing, Socket, Uname
from muster_agent.recording import RecordedMachine, Recording

READS = {("windows", "ports")}
LISTEN = (2, "Listen")  # MIB_TCP_STATE_LISTEN


def result(entry: Entry) -> Result:
    """The verdict on one recording."""
    try:
        said = json.loads(entry.text())
        rows = [one for one in (said if isinstance(said, list) else [said]) if one["State"] in LISTEN]
        sockets = [
            Socket(
                "tcp",
                "ipv6" if ":" in one["LocalAddress"] else "ipv4",
                one["LocalAddress"],
                one["LocalPort"],
                None,
                None,
            )
            for one in rows
        ]
    except (ValueError, KeyError, TypeError):
        return Result(entry.file, UNKNOWN, "no sockets as Get-NetTCPConnection tells them")
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, sockets=Listing(tuple(sockets), True))
    table = collect_table(RecordedMachine(recording), "listening_ports")
    if table.rows is None:
        return Result(entry.file, UNKNOWN, "our table could not be read")
    if {(row.address, row.port) for row in table.rows} != {(one.address.split("%")[0], one.port) for one in sockets}:
        return Result(entry.file, WRONG, "our table has other sockets")
    return Result(entry.file, UNSTATED, ", ".join(f"{row.address} {row.port} {row.scope}" for row in table.rows)[:200])


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    yield from (result(entry) for entry in entries if entry.kind == "raw")
