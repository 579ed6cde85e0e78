"""Microsoft Defender for Endpoint on Linux and macOS: ``mdatp health``, as JSON or as the list it prints to people."""

from __future__ import annotations

import json
import re
from typing import Any

from muster_agent.collect.antivirus.vendors import MONTHS, Told, day, output, version_in
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.filetime import moment_of_seconds

ANSWERS = ("version", "realtime", "signatures_version", "signatures_date", "signatures_current")
PROGRAMS = ("/usr/bin/mdatp", "/usr/local/bin/mdatp", "/opt/microsoft/mdatp/sbin/wdavdaemonclient")
NAME = "mdatp health"
LINE = re.compile(r"^([a-z][a-zA-Z0-9_]*)\s*:\s*(.*)$")
MANAGED = "[managed]"  # behind a value that the administration has set
MILLISECONDS = re.compile(r"[0-9]{10,14}")
PRINTED = re.compile(r"([A-Z][a-z]{2})[a-z]* ([0-9]{1,2}), ([0-9]{4})(?: at .*)?")
CURRENT = {"uptodate": True, "outofdate": False}  # and "could be older", "unavailable": it does not know


def _name(said: str) -> str:
    """definitions_updated and definitionsUpdated are one name."""
    return said.replace("_", "").lower()


def _value(said: Any) -> Any:
    """A setting stands as {"value": …} with who set it, a status as {"$type": …}."""
    if isinstance(said, dict):
        return said.get("value", said.get("$type"))
    return said


def _from_list(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in text.splitlines():
        match = LINE.match(line.strip())
        if match:
            said = match.group(2).strip()
            said = said[: -len(MANAGED)].rstrip() if said.endswith(MANAGED) else said
            found[match.group(1)] = {"true": True, "false": False}.get(said, said.strip('"'))
    return found


def facts(text: str) -> dict[str, Any]:
    """The facts ``mdatp health`` printed, by name in small letters without underscores.

    Raises ``not_understood`` for what is none of its forms, so also for an empty one.
    """
    found: Any
    if text.lstrip()[:1] in ("{", "["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CannotRead("not_understood", NAME) from error
        if isinstance(found, list) and len(found) == 1:  # some versions print a list of one
            found = found[0]
    else:
        found = _from_list(text)
    named = {_name(name): _value(value) for name, value in found.items()} if isinstance(found, dict) else {}
    if not {"appversion", "definitionsversion", "realtimeprotectionenabled"} & set(named):
        raise CannotRead("not_understood", NAME)
    return named


def _flag(found: dict[str, Any], name: str) -> bool | None:
    value = found.get(name)
    return value if isinstance(value, bool) else None


def _date(said: Any) -> str | None:
    """The moment in milliseconds since 1970, or the day of the printed form, which is local time."""
    if isinstance(said, (str, int)) and not isinstance(said, bool) and MILLISECONDS.fullmatch(str(said)):
        try:
            return moment_of_seconds(int(said) // 1000, NAME)
        except CannotRead:
            return None
    printed = PRINTED.match(said) if isinstance(said, str) else None
    if printed is None or printed.group(1).lower() not in MONTHS:
        return None
    return day(int(printed.group(3)), MONTHS.index(printed.group(1).lower()) + 1, int(printed.group(2)))


def parse(text: str) -> Told:
    """What Defender says of itself. While it is passive it only looks on, whatever else is switched on."""
    found = facts(text)
    passive, on = _flag(found, "passivemodeenabled"), _flag(found, "realtimeprotectionenabled")
    if _flag(found, "realtimeprotectionavailable") is False:
        on = False
    realtime = False if passive is True or on is False else on
    version, signatures = found.get("appversion"), found.get("definitionsversion")
    status = found.get("definitionsstatus")
    return Told(
        version=version_in(version) if isinstance(version, str) else None,
        realtime=realtime,
        signatures_version=version_in(signatures) if isinstance(signatures, str) else None,
        signatures_date=_date(found.get("definitionsupdated")),
        signatures_current=CURRENT.get(_name(status)) if isinstance(status, str) else None,
        basis=("asked:mdatp",),
    )


def ask(machine: Machine) -> Told:
    """Ask it. The JSON form first; a version before 101 knows only the list. Raises :class:`CannotRead`."""
    try:
        return parse(output(machine, PROGRAMS, "health", "--output", "json"))
    except CannotRead as error:
        if error.code != "program_failed":
            raise
    return parse(output(machine, PROGRAMS, "health"))
