"""How each PC stood when it was last judged, so that it can be told with the next receipt.

A PC is told what is open, what to do and until when: text for the person at it, within the bounds of
``muster_agent.sending.judged``. It is kept in the database, because any server process may be asked; each process
remembers it too, and asks the database only for what is newer.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from muster_agent.canonical import canonical
from muster_agent.sending.judged import OPEN_LIMIT, SIZE_LIMIT, TEXT_LIMIT, Open
from muster_agent.sending.judged import Judged as Told
from muster_server.judge.policy import SEVERITIES, Rule, Text
from muster_server.judge.verdict import Judged, Result
from muster_server.store import rounds, standings
from muster_server.subject import Finding

UNKNOWN = (Result.UNKNOWN, Result.ERROR)
ROUND = "judging"  # the look at every PC


class Standings:
    """What every PC is told. One thread brings it up to date, others ask."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[bytes, datetime]] = {}
        self._number = 0
        self.full: datetime | None = None  # when every PC was last looked at, by whatever process

    def refresh(self, connection: Connection) -> None:
        """Learn what has changed in the database."""
        for one in standings.since(connection, self._number):
            self._told[one.pc] = (one.told, one.as_of)
            self._number = one.number
        self.full = rounds.last(connection, ROUND)

    def changed(self, judged: Iterable[Judged], rules: Mapping[str, Rule], as_of: datetime) -> dict[str, bytes]:
        """What these PCs are to be told, of those that have been told something else so far."""
        found = said(judged, rules, as_of)
        return {pc: told for pc, told in found.items() if self._told.get(pc, (None,))[0] != told}

    def of(self, pc: str) -> dict[str, Any] | None:
        """What the PC is told, or None when it has not been judged."""
        known = self._told.get(pc)
        if known is None:
            return None
        as_of = known[1] if self.full is None else max(known[1], self.full)
        return {"as_of": _moment(as_of), **json.loads(known[0])}


def said(judged: Iterable[Judged], rules: Mapping[str, Rule], as_of: datetime) -> dict[str, bytes]:
    """By PC, what it is told as it is kept: without the moment, so that an unchanged PC costs nothing."""
    found = {}
    for one in judged:
        if one.subject.tables is not None:
            content = told(one, rules, as_of)
            del content["as_of"]
            found[one.pc.id] = canonical(content)
    return found


def told(one: Judged, rules: Mapping[str, Rule], as_of: datetime) -> dict[str, Any]:
    """What one PC is told. A finding whose rule stands in no policy any more asks nothing of anybody."""
    found = [finding for finding in one.findings.values() if finding.rule in rules]
    found.sort(key=lambda finding: (finding.due, SEVERITIES.index(finding.severity), finding.rule))
    fits: list[Open] = []
    size = 0
    for finding in found[:OPEN_LIMIT]:
        entry = _open(finding, rules[finding.rule])
        size += len(json.dumps(dataclasses.asdict(entry), ensure_ascii=False).encode("utf-8"))
        if size > SIZE_LIMIT:
            break
        fits.append(entry)
    unknown = sum(verdict.result in UNKNOWN for verdict in one.verdicts)
    return dataclasses.asdict(Told(_moment(as_of), len(found), unknown, tuple(fits)))


def _open(finding: Finding, rule: Rule) -> Open:
    return Open(finding.rule, finding.severity, _bounded(rule.title), _bounded(rule.fix), _moment(finding.due))


def _bounded(text: Text) -> dict[str, str]:
    return {
        lang: _sendable(said if len(said) <= TEXT_LIMIT else said[: TEXT_LIMIT - 1] + "…")
        for lang, said in text.items()
    }


def _sendable(said: str) -> str:
    """Text that is UTF-8 for certain: half a character in a policy must not cost a PC its receipt."""
    return said.encode("utf-8", "replace").decode("utf-8")


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
