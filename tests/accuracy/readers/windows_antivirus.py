"""``Get-MpComputerStatus`` as PowerShell lists it. The agent gets the same properties as JSON, so the list is turned
into the values they are before the agent's parser reads them; its dates are local and are left to the agent's JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from antivirus_facts import Facts, Parser, of_told, scored
from cases import Entry, Result

from muster_agent.collect.antivirus import defender
from muster_agent.machine import CannotRead

READS = {("windows", "antivirus")}
PROPERTY = re.compile(r"^([A-Za-z][A-Za-z0-9]*)\s+: ?(.*)$")


def properties(text: str) -> dict[str, Any]:
    """The properties of one object. Raises ``not_understood`` when the text is no such list."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        match = PROPERTY.match(line)
        if match:
            said = match.group(2).strip()
            found[match.group(1)] = {"True": True, "False": False, "": None}.get(said, said)
    if not found:
        raise CannotRead("not_understood", "Get-MpComputerStatus")
    return found


def parse(text: str) -> Facts:
    """Our facts of the list."""
    return of_told(defender.parse(properties(text)))


def parser_of(file: str, text: str) -> Parser | str:
    """What reads the recording."""
    if "MpComputerStatus" in file or "AMServiceEnabled" in text:
        return parse
    return "nothing the agent asks on Windows"


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    return scored(entries, parser_of)
