"""What was measured, in a short phrase: the evidence of a verdict, its reason, and the columns' names in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from muster_agent.columns import BOOLEAN, MOMENT
from muster_server.judge import reasons
from muster_server.judge.policy import Rule
from muster_server.judge.tables import ALL, columns
from muster_server.judge.verdict import Result, Verdict
from muster_server.render.terminal.screen import minute
from muster_server.tally import Tally
from muster_server.words import Words

_WANTED = (BOOLEAN, MOMENT)


def measured(verdict: Verdict, rule: Rule, tally: Tally, words: Words) -> str:
    """The first row of evidence and how many more there are, or the reason where no row could be one."""
    if not verdict.evidence:
        return reason(verdict, words)
    first = row(verdict.evidence[0], rule, tally, words)
    total = max(verdict.evidence_total, len(verdict.evidence))
    if total == 1:
        return first
    return words("report.measured.many", n=total, first=first)


def measured_rows(verdict: Verdict, rule: Rule, tally: Tally, words: Words, most: int) -> list[str]:
    """Every row of evidence, ``most`` at most, and how many there are beyond them."""
    if not verdict.evidence:
        return [reason(verdict, words)]
    shown = verdict.evidence[:most]
    said = [row(one, rule, tally, words) for one in shown]
    total = max(verdict.evidence_total, len(verdict.evidence))
    return said if total == len(shown) else [*said, words("report.measured.rest", n=total - len(shown))]


def row(read: dict[str, Any], rule: Rule, tally: Tally, words: Words) -> str:
    """One row of evidence: the thing by its name, then what was read of it.

    A text that is null is mostly one the system has not got (a KB number on Linux) and is left out; a yes, a no or a
    date that is null was wanted and not read, and says so.
    """
    comma, colon = ("，", "：") if words.lang == "zh" else (", ", ": ")
    told = {column: said for column, said in read.items() if said is not None or _kind(column, rule) in _WANTED}
    name = told.pop("name", None)
    rest = [f"{fact(column, words)} {value(said, column, rule, tally, words)}" for column, said in told.items()]
    if name is None:
        return comma.join(rest) or words("report.value.none")
    return f"{name}{colon}{comma.join(rest)}" if rest else str(name)


def _kind(column: str, rule: Rule) -> str | None:
    """What the column holds; None for one nobody declared."""
    known = columns(rule.table).get(column) if rule.table in ALL else None
    return None if known is None else known.kind


def fact(column: str, words: Words) -> str:
    """The column in words; one this version has no word for is shown by its name."""
    return words.maybe("column." + column, column)


def value(said: Any, column: str, rule: Rule, tally: Tally, words: Words) -> str:
    """A value in words: yes and no, moments in the office's zone, and what was not read as just that."""
    if said is None:
        return words("report.value.none")
    if isinstance(said, bool):
        return words("report.value.yes" if said else "report.value.no")
    if isinstance(said, (list, tuple)):
        return " ".join(value(one, column, rule, tally, words) for one in said)
    if _kind(column, rule) == MOMENT:
        return _moment(str(said), tally)
    return words.maybe(f"report.value.{column}.{said}", str(said))


def reason(verdict: Verdict, words: Words) -> str:
    """Why the verdict is what it is, without the full stop: it stands in a table."""
    return reasons.say(verdict.reason, words).rstrip("。.")


def doubtful(verdict: Verdict) -> bool:
    """Whether the reason says more than the evidence: nothing was measured that could be shown instead."""
    return verdict.result in (Result.ERROR, Result.UNKNOWN)


def _moment(said: str, tally: Tally) -> str:
    try:
        moment = datetime.fromisoformat(said)
        return said if moment.tzinfo is None else minute(moment, tally)
    except (ValueError, OverflowError):  # a PC may say any date; one out of range is shown as it came
        return said
