"""`muster report --json`: the views as one plain document, with the rows in the order of the screen.

Every document has ``schema_version`` (1; it changes only when a name here changes its meaning), ``as_of`` (RFC 3339, in
the office's zone), ``office`` and ``policies``. After these stand, in the view of

* the office: ``headline``, ``totals``, ``states``, ``rates``, ``pass_rate``, ``units``, ``pcs``, ``rules``, ``items``,
  ``flow``;
* one PC: ``pc``, with its ``verdicts`` and its uncollected ``tables``;
* one rule: ``rule``, with ``units``, ``failing`` and ``unclear``.

A rate is ``{"n": 804, "of": 1000, "percent": "80.4%"}``, its percent "-" where there is nothing to divide by. Words of
policies are ``{"zh": …, "en": …}``. Names are as the PCs gave them, control characters and all: JSON escapes them, and
whoever prints them must make them harmless. A list cut short by ``--limit`` has its full length in ``totals``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from muster_agent.canonical import row_dict
from muster_server.judge.policy import Rule
from muster_server.judge.verdict import Result, Verdict
from muster_server.render.terminal.pc import open_verdicts, settled
from muster_server.render.terminal.rule import item_of
from muster_server.tally import Item, PCTally, Rate, RuleTally, Tally, UnitTally

T = TypeVar("T")
SCHEMA_VERSION = 1
_ACTING = re.compile("[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
Document = dict[str, Any]


def office(tally: Tally, limit: int = 0) -> Document:
    """The office; ``limit`` rows of each list, 0 for all."""
    flow = tally.flow
    return {
        **_head(tally),
        "headline": {
            "met": tally.whole.confirmed.meets(tally.office.target),
            "missing": tally.whole.confirmed.missing(tally.office.target),
            **_rate(tally.whole.confirmed),
        },
        "totals": {
            "registered": tally.whole.registered,
            "registered_basis": "enrolled",
            "simulated": tally.simulated,
            "awaiting": tally.awaiting,
            "duplicates": tally.duplicates,
            "overdue": tally.whole.overdue,
            "units": len(tally.units),
            "pcs": len(tally.pcs),
            "rules": len(tally.rules),
            "items": tally.whole.items,
            "items_overdue": tally.whole.items_overdue,
        },
        "states": {str(state): n for state, n in tally.whole.states.items()},
        "rates": _rates(tally.whole),
        "pass_rate": _rate(tally.pass_rate),
        "units": [_unit(one) for one in _some(tally.units, limit)],
        "pcs": [_pc(one, tally) for one in _some(tally.pcs, limit)],
        "rules": [_rule(one) for one in _some(tally.rules, limit)],
        "items": [_item(one, tally) for one in _some(tally.items, limit)],
        "flow": {
            "since": _moment(flow.since, tally),
            "before": flow.before,
            "new": flow.new,
            "relapsed": flow.relapsed,
            "mended": flow.mended,
            "neutral": flow.neutral,
            "after": flow.after,
        },
    }


def pc(tally: Tally, one: PCTally) -> Document:
    """One PC, its verdicts in the order of the screen: what is open, then the rest."""
    verdicts = [_verdict(rule, verdict, item, tally) for rule, verdict, item in open_verdicts(tally, one)]
    verdicts += [_verdict(rule, verdict, None, tally) for rule, verdict in settled(tally, one)]
    tables = one.judged.subject.tables
    return {
        **_head(tally),
        "pc": {
            **_pc(one, tally),
            "enrolled_at": _moment(one.pc.enrolled_at, tally),
            "verdicts": verdicts,
            "tables": None
            if tables is None
            else {
                name: {
                    "status": table.status,
                    "problem": None if table.problem is None else row_dict(table.problem),
                    "notes": [row_dict(note) for note in table.notes],
                }
                for name, table in tables.items()
            },
        },
    }


def rule(tally: Tally, one: RuleTally, limit: int = 0) -> Document:
    """One rule, and the PCs it fails on or cannot be told on."""
    return {
        **_head(tally),
        "rule": {
            **_rule(one),
            "why": one.rule.why or None,
            "fix": one.rule.fix,
            "due_days": one.rule.due.days,
            "references": {name: list(articles) for name, articles in one.rule.references.items()},
            "by_unit": [
                {"unit": part.name, "responsible": part.responsible, "failing": part.failing, "overdue": part.overdue}
                for part in _some(one.by_unit, limit)
            ],
            "failing": [_on(pc, one, tally) for pc in _some(one.failing, limit)],
            "unclear": [_on(pc, one, tally) for pc in _some(one.unclear, limit)],
        },
    }


def written(one: Document) -> bytes:
    """The document as JSON: UTF-8, a lone half of a surrogate pair as its escape, and as their escapes too what JSON
    itself lets pass and a terminal would act on: DEL, the C1 controls, bidirectional and invisible marks."""
    text = json.dumps(one, ensure_ascii=False, indent=2, default=str)
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode("utf-8", "backslashreplace") + b"\n"


def _some(rows: Sequence[T], limit: int) -> Sequence[T]:
    return rows[:limit] if limit else rows


def _head(tally: Tally) -> Document:
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of": _moment(tally.as_of, tally),
        "last_report": _moment(tally.last_report, tally),
        "office": {
            "name": tally.office.name,
            "target": tally.office.target,
            "silent_after_days": tally.office.silent_after.days,
        },
        "policies": [
            {"id": policy.id, "title": policy.title, "version": policy.version, "digest": policy.digest}
            for policy in tally.policies
        ],
    }


def _moment(moment: datetime | None, tally: Tally) -> str | None:
    return None if moment is None else moment.astimezone(tally.as_of.tzinfo).isoformat(timespec="seconds")


def _rate(rate: Rate) -> Document:
    return {"n": rate.n, "of": rate.of, "percent": rate.percent()}


def _rates(unit: UnitTally) -> Document:
    return {"confirmed": _rate(unit.confirmed), "coverage": _rate(unit.coverage), "checked": _rate(unit.checked)}


def _unit(unit: UnitTally) -> Document:
    return {
        "name": unit.name,
        "responsible": unit.responsible,
        "registered": unit.registered,
        "states": {str(state): n for state, n in unit.states.items()},
        "overdue": unit.overdue,
        "items": unit.items,
        "items_overdue": unit.items_overdue,
        "ranked": unit.ranked,
        "rates": _rates(unit),
    }


def _pc(one: PCTally, tally: Tally) -> Document:
    return {
        "id": one.pc.id,
        "name": one.pc.name,
        "unit": one.pc.unit,
        "responsible": one.responsible,
        "tags": list(one.pc.tags),
        "state": str(one.state),
        "conflict": one.pc.conflict,
        "last_report": _moment(one.pc.last_report, tally),
        "silent_days": one.silent_days,
        "overdue": one.overdue,
        "days_left": one.days_left,
        "passed": one.passed,
        "undetermined": one.undetermined,
        "not_applicable": one.not_applicable,
        "items": [item.rule.id for item in one.items],
    }


def _rule(one: RuleTally) -> Document:
    return {
        "id": one.rule.id,
        "title": one.rule.title,
        "severity": one.rule.severity,
        "results": {str(result): one.results[result] for result in Result},
        "applicable": one.applicable,
        "overdue": one.overdue,
        "units": one.units,
    }


def _item(item: Item, tally: Tally) -> Document:
    return {
        "pc": item.pc.id,
        "name": item.pc.name,
        "unit": item.pc.unit,
        "rule": item.rule.id,
        "severity": item.rule.severity,
        **_finding(item, tally),
    }


def _finding(item: Item, tally: Tally) -> Document:
    return {
        "first_seen": _moment(item.finding.first_seen, tally),
        "opened": _moment(item.finding.opened, tally),
        "due": _moment(item.finding.due, tally),
        "days_left": item.days_left,
        "overdue": item.overdue,
        "relapsed": item.finding.relapsed,
        "silent": item.silent,
    }


def _verdict(rule: Rule, verdict: Verdict | None, item: Item | None, tally: Tally) -> Document:
    return {
        "rule": rule.id,
        "title": rule.title,
        "severity": rule.severity,
        **_outcome(verdict),
        "fix": rule.fix,
        "finding": None if item is None else _finding(item, tally),
    }


def _outcome(verdict: Verdict | None) -> Document:
    if verdict is None:
        return {"result": None, "reason": None, "evidence": [], "evidence_total": 0}
    return {
        "result": str(verdict.result),
        "reason": {"code": verdict.reason.code, "args": verdict.reason.args},
        "evidence": list(verdict.evidence),
        "evidence_total": verdict.evidence_total,
    }


def _on(one: PCTally, rule: RuleTally, tally: Tally) -> Document:
    item = item_of(one, rule)
    return {
        "id": one.pc.id,
        "name": one.pc.name,
        "unit": one.pc.unit,
        "responsible": one.responsible,
        **_outcome(one.verdict(rule.rule.id)),
        "finding": None if item is None else _finding(item, tally),
    }
