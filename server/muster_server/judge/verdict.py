"""What judging answers: one verdict for one rule on one PC, in XCCDF's words, with its reason and its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from muster_server.subject import PC, Finding, Subject


class Result(StrEnum):
    """XCCDF 1.2 rule results (NISTIR 7275 r4, table 26) that Muster gives."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"  # the PC tried to read the facts and failed
    UNKNOWN = "unknown"  # the facts cannot tell; never counts as pass
    NOT_APPLICABLE = "notapplicable"  # outside the scope of the rule
    NOT_CHECKED = "notchecked"  # the PC has not reported yet


@dataclass(frozen=True)
class Reason:
    """Why a verdict is what it is: a key of the wording files and what to put into the sentence."""

    code: str
    args: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """The answer of one rule on one PC."""

    rule: str  # id of the rule, e.g. AV-001
    result: Result
    reason: Reason
    evidence: tuple[dict[str, Any], ...] = ()  # rows of the rule's evidence columns; capped
    evidence_total: int = 0  # how many rows there were before the cap
    flips_at: datetime | None = None  # when the result may change by the passing of time alone


@dataclass(frozen=True)
class Judged:
    """A PC with its verdicts and its open findings by rule."""

    subject: Subject
    verdicts: tuple[Verdict, ...]
    findings: dict[str, Finding] = field(default_factory=dict)

    @property
    def pc(self) -> PC:
        """The PC."""
        return self.subject.pc
