"""A PC's findings, moved forward by its new verdicts: a pure function, for the sweep that stores as for the look.

A finding opens when a rule fails and closes only when the rule passes. Silence mends nothing, and neither does a
verdict that cannot tell. A rule that no longer applies closes its finding as neutral: it was not mended. A rule that
stands in no policy any more gives no verdict, and its finding stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from muster_server.judge.policy import Policy, Rule
from muster_server.judge.verdict import Result, Verdict
from muster_server.subject import Finding

RELAPSE = timedelta(days=90)  # reports.md §3.6: failing again within this time after closing is a relapse


def rules_of(policies: Iterable[Policy]) -> dict[str, Rule]:
    """Every rule by its id."""
    return {rule.id: rule for policy in policies for rule in policy.rules}


def advance(
    pc: str,
    findings: Iterable[Finding],
    verdicts: Iterable[Verdict],
    rules: Mapping[str, Rule],
    as_of: datetime,
) -> tuple[Finding, ...]:
    """All findings of ``pc`` after ``verdicts`` of the moment ``as_of``: those that were, changed or not, and new ones.

    A relapse is a new finding that keeps the day the trouble was first seen. Verdicts of a moment before the last
    change of a finding change nothing: an old report that arrives late must not rewrite history.
    """
    kept = list(findings)
    latest: dict[str, int] = {}  # rule -> index of its newest finding
    for index, finding in enumerate(kept):
        if finding.pc != pc:
            raise ValueError(f"a finding of {finding.pc} among those of {pc}")
        before = latest.get(finding.rule)
        if before is None or kept[before].opened <= finding.opened:
            latest[finding.rule] = index
    for verdict in verdicts:
        at = latest.get(verdict.rule)
        old = None if at is None else kept[at]
        new = _next(pc, old, verdict, rules.get(verdict.rule), as_of)
        if new is old or new is None:
            continue
        if at is None or old is None or new.opened != old.opened:
            latest[verdict.rule] = len(kept)
            kept.append(new)
        else:
            kept[at] = new
    return tuple(kept)


def open_findings(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Those that are open, by rule."""
    return {finding.rule: finding for finding in findings if finding.closed is None}


def _next(pc: str, old: Finding | None, verdict: Verdict, rule: Rule | None, as_of: datetime) -> Finding | None:
    """What becomes of the newest finding of one rule: itself, changed, or a new one."""
    if old is not None and as_of <= (old.closed or old.opened):
        return old
    if old is not None and old.closed is None:
        if verdict.result is Result.PASS:
            return replace(old, closed=as_of)
        if verdict.result is Result.NOT_APPLICABLE:
            return replace(old, closed=as_of, neutral=True)
        return old
    if verdict.result is not Result.FAIL or rule is None:
        return old
    if old is not None and old.closed is not None and as_of - old.closed <= RELAPSE:
        # What closed without being mended has not relapsed, but neither is it new.
        return Finding(
            pc, verdict.rule, rule.severity, old.first_seen, as_of, as_of + rule.due, relapsed=not old.neutral
        )
    return Finding(pc, verdict.rule, rule.severity, as_of, as_of, as_of + rule.due)
