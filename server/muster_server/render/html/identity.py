"""The report's identity: a digest of its numbers, so that a printed copy points to the data it was made from."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from muster_server.tally import Item, Month, PCTally, Rate, RuleTally, Tally, UnitTally


def report_id(month: Month) -> str:
    """The first twelve hex digits of the SHA-256 of the month's numbers.

    The numbers are written as JSON with sorted keys in UTF-8 and moments as RFC 3339; no words of either language
    take part, so the Chinese and the English file of one month bear the same id.
    """
    canonical = json.dumps(
        {
            "month": month.name,
            "over": month.over,
            "tally": _tally(month.tally),
            "before": None if month.before is None else _tally(month.before),
            "trend": [[point.month, _rate(point.confirmed), _rate(point.coverage)] for point in month.trend],
        },
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    # A host name may hold a lone surrogate; it must cost a replacement character, not the report.
    return hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()[:12]


def _tally(tally: Tally) -> dict[str, Any]:
    flow = tally.flow
    return {
        "as_of": _moment(tally.as_of),
        "office": [tally.office.name, tally.office.target, tally.office.silent_after.total_seconds()],
        "policies": [[policy.id, policy.version, policy.digest] for policy in tally.policies],
        "whole": _unit(tally.whole),
        "units": [_unit(unit) for unit in tally.units],
        "pcs": [_pc(pc) for pc in tally.pcs],
        "rules": [_rule(rule) for rule in tally.rules],
        "items": [_item(item) for item in tally.items],
        "pass_rate": _rate(tally.pass_rate),
        "flow": [
            _moment(flow.since),
            [flow.before, flow.new, flow.relapsed, flow.mended, flow.neutral, flow.after],
        ],
        "simulated": tally.simulated,
        "last_report": _moment(tally.last_report),
    }


def _unit(unit: UnitTally) -> list[Any]:
    return [unit.name, unit.responsible, unit.registered, unit.states, unit.overdue, unit.items, unit.items_overdue]


def _pc(pc: PCTally) -> list[Any]:
    return [pc.pc.id, pc.pc.name, pc.pc.unit, pc.state, pc.silent_days, _moment(pc.pc.last_report), pc.pc.conflict]


def _rule(rule: RuleTally) -> list[Any]:
    return [rule.rule.id, rule.rule.severity, rule.results, rule.overdue, rule.units]


def _item(item: Item) -> list[Any]:
    finding = item.finding
    return [item.pc.id, item.rule.id, _moment(finding.first_seen), _moment(finding.due), item.days_left, item.silent]


def _rate(rate: Rate) -> list[int]:
    return [rate.n, rate.of]


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
