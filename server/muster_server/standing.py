"""How each PC stood when it was last judged, kept in memory so that it can be told with the next receipt.

A PC is told what is open, what to do and until when: text for the person at it, within the bounds of
``muster_agent.sending.judged``. A server that has just started tells nothing until its first sweep, which comes at
once.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from muster_agent.sending.judged import OPEN_LIMIT, SIZE_LIMIT, TEXT_LIMIT, Open
from muster_agent.sending.judged import Judged as Told
from muster_server.judge.policy import SEVERITIES, Rule, Text
from muster_server.judge.verdict import Judged, Result
from muster_server.subject import Finding

UNKNOWN = (Result.UNKNOWN, Result.ERROR)


class Standings:
    """What every PC is told. One thread updates it, others ask."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, Any]] = {}

    def update(self, judged: Iterable[Judged], rules: Mapping[str, Rule], as_of: datetime) -> None:
        """Remember how these PCs stand."""
        for one in judged:
            if one.subject.tables is not None:
                self._told[one.pc.id] = told(one, rules, as_of)

    def of(self, pc: str) -> dict[str, Any] | None:
        """What the PC is told, or None when it has not been judged since the server started."""
        return self._told.get(pc)


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
