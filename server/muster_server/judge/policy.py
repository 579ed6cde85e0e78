"""A policy as the judge sees it: already checked, so judging cannot fail on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

SEVERITIES = ("high", "medium", "low")
# Days to mend a finding, by severity, where a rule does not say (reports.md: organisations may set their own).
DUE_BY_SEVERITY = {"high": timedelta(days=15), "medium": timedelta(days=30), "low": timedelta(days=60)}

Text = dict[str, str]  # {"zh": …, "en": …}


@dataclass(frozen=True)
class Bounds:
    """How many rows ``count`` allows."""

    gte: int = 0  # at least
    lte: int | None = None  # at most; None: any number


@dataclass(frozen=True)
class Rule:
    """One thing that must hold."""

    id: str
    title: Text
    severity: str
    quantifier: str  # any, each, none or count
    table: str
    where: Any  # a condition (judge/conditions.py), or None: every row
    pass_if: Any  # a condition; for count, Bounds on the number of rows; None: being there is enough
    given: dict[str, Any]  # table -> condition every row of it must meet for the answer to mean anything
    scope: dict[str, tuple[str, ...]]  # platform, unit, tag, pc -> allowed values; empty: every PC
    evidence: tuple[str, ...]
    due: timedelta
    fix: Text
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    why: Text = field(default_factory=dict)  # why it matters; empty: the rule does not say
    logic: str = ""  # SHA-256 of what decides the result: equal logic on equal facts gives equal verdicts


@dataclass(frozen=True)
class Policy:
    """A checked policy file."""

    id: str
    title: Text
    version: str
    digest: str  # SHA-256 of the file: the exact text that judged
    path: str
    rules: tuple[Rule, ...]

    def rule(self, rule_id: str) -> Rule:
        """The rule with that id. Raises ``KeyError``."""
        return {rule.id: rule for rule in self.rules}[rule_id]
