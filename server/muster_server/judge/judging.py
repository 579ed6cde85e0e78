"""Judge one PC by one policy: a pure function of the policy, the PC's tables and the date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from muster_agent.facts import Problem, Table, Tables
from muster_server.judge.conditions import Condition, Truth, both, negation
from muster_server.judge.modifiers import Evaluation
from muster_server.judge.policy import Bounds, Policy, Rule
from muster_server.judge.verdict import Reason, Result, Verdict
from muster_server.subject import Subject

MOST_EVIDENCE = 20  # rows of evidence kept of one verdict; the total is told
LONGEST_DETAIL = 200  # characters of a PC's own words in a reason


class _Answer(Exception):  # not an error: the verdict is known early
    """The result of a rule that needs no look at its rows."""

    def __init__(self, result: Result, code: str, **args: Any) -> None:
        self.result, self.reason = result, Reason(code, args)


class _Unknown(_Answer):
    def __init__(self, code: str, **args: Any) -> None:
        super().__init__(Result.UNKNOWN, code, **args)


def judge(policy: Policy, subject: Subject, as_of: datetime) -> tuple[Verdict, ...]:
    """The verdict of every rule, in the policy's order. ``as_of`` must carry a time zone (``ValueError``)."""
    if as_of.tzinfo is None:
        raise ValueError("as_of without a time zone")
    if subject.tables is None:
        return tuple(Verdict(rule.id, Result.NOT_CHECKED, Reason("not_reported", {})) for rule in policy.rules)
    system = _package_system(subject.tables)
    return tuple(_verdict(rule, subject.tables, Evaluation(as_of, system)) for rule in policy.rules)


def _verdict(rule: Rule, tables: Tables, evaluation: Evaluation) -> Verdict:
    deciding: Sequence[Any] = ()
    try:
        _in_scope(rule, tables)
        table = _readable(tables, rule.table, "table")
        _given(rule, tables, evaluation)
        result, reason, deciding = _QUANTIFIERS[rule.quantifier](rule, table, evaluation)
    except _Answer as answer:
        result, reason = answer.result, answer.reason
    evidence = tuple({name: getattr(row, name) for name in rule.evidence} for row in deciding[:MOST_EVIDENCE])
    return Verdict(rule.id, result, reason, evidence, len(deciding), evaluation.flips_at)


# -- may it be judged at all ------------------------------------------------------------------------------------------


def _in_scope(rule: Rule, tables: Tables) -> None:
    allowed = rule.scope.get("platform")
    if allowed is None:
        return
    platform = _platform(tables)
    if platform is None:
        raise _Unknown("platform_unknown")
    family = platform if platform in ("windows", "darwin") else "linux"
    if platform not in allowed and family not in allowed:
        raise _Answer(Result.NOT_APPLICABLE, "out_of_scope", platform=platform, allowed=list(allowed))


def _platform(tables: Tables) -> str | None:
    table = tables.get("os_version")
    if table is None or table.problem is not None or not table.rows:
        return None
    platform = table.rows[0].platform
    return platform.casefold()[:LONGEST_DETAIL] if isinstance(platform, str) and platform else None


def _package_system(tables: Tables) -> str | None:
    """How this PC's packages order their versions, where a row does not say: as the first of its packages does."""
    table = tables.get("packages")
    return table.rows[0].type if table is not None and table.rows else None


def _readable(tables: Tables, name: str, role: str) -> Table:
    """The table, if it was collected. ``role`` is table or given, and begins the reason's code."""
    table = tables.get(name)
    if table is None or (table.rows is None and table.problem is None):
        raise _Unknown(f"{role}_missing", table=name)
    if table.problem is not None:
        result = Result.ERROR if table.status == "error" else Result.UNKNOWN
        raise _Answer(result, f"{role}_{table.status}", table=name, **_said(table.problem))
    return table


def _given(rule: Rule, tables: Tables, evaluation: Evaluation) -> None:
    for name, condition in rule.given.items():
        table = _readable(tables, name, "given")
        rows = table.rows or ()
        truths = [condition.ask(row, evaluation) for row in rows]
        columns = list(condition.columns)
        if False in truths:
            row = rows[truths.index(False)]
            values = [None if (value := getattr(row, column)) is None else str(value)[:80] for column in columns]
            raise _Unknown("given_unmet", table=name, columns=columns, values=values)
        if None in truths:
            raise _Unknown("given_unknown", table=name, causes=_causes(table, evaluation))
        if not rows:
            raise _Unknown("given_empty", table=name)
        _nothing_missing(table, name)


def _nothing_missing(table: Table, name: str) -> None:
    """Raise unknown when rows may be missing: what rests on absence cannot be said then."""
    for note in table.notes:
        if note.column is None:
            raise _Unknown("rows_missing", table=name, **_said(note))


def _said(problem: Problem) -> dict[str, Any]:
    return {"problem": problem.code, "detail": problem.detail[:LONGEST_DETAIL]}


def _causes(table: Table, evaluation: Evaluation) -> list[dict[str, Any]]:
    """Why comparisons were unknown: each column and cause once, with the collector's own word for a null."""
    notes = {note.column: note for note in table.notes if note.column is not None}
    causes = []
    for column, cause in dict.fromkeys(evaluation.doubts):
        note = notes.get(column) if cause == "null" else None
        causes.append({"column": column, "cause": cause, **(_said(note) if note is not None else {})})
    return causes


# -- the four quantifiers --------------------------------------------------------------------------------------------

_Found = tuple[Result, Reason, Sequence[Any]]


def _ask(condition: Any, row: Any, evaluation: Evaluation) -> Truth:
    """A condition that was not given holds for every row."""
    return condition.ask(row, evaluation) if isinstance(condition, Condition) else True


def _sorted(rule: Rule, table: Table, evaluation: Evaluation) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """The rows ``where`` picks or may pick, and of those: the sure, the doubtful and the sure not to be meant.

    For any and count a row is meant when it fits; for none likewise; for each it is meant when it breaks the rule.
    """
    candidates, sure, doubtful, free = [], [], [], []
    breaks = rule.quantifier == "each"
    evaluation.doubts.clear()
    doubts: list[tuple[str, str]] = []
    for row in table.rows or ():
        picked = _ask(rule.where, row, evaluation)
        if picked is not False:
            candidates.append(row)
        meant: Truth = picked
        if picked is not False and rule.quantifier != "count":
            passes = _ask(rule.pass_if, row, evaluation)
            meant = both(picked, negation(passes) if breaks else passes)
        if meant is True:
            sure.append(row)
        elif meant is None:
            doubtful.append(row)
            doubts += evaluation.doubts
        else:
            free.append(row)
        evaluation.doubts.clear()
    evaluation.doubts = doubts
    return candidates, sure, doubtful, free


def _doubt(rule: Rule, table: Table, evaluation: Evaluation, doubtful: list[Any], rows: int) -> _Found:
    args = {"table": rule.table, "n": len(doubtful), "rows": rows, "causes": _causes(table, evaluation)}
    return Result.UNKNOWN, Reason("rows_unknown", args), doubtful


def _any(rule: Rule, table: Table, evaluation: Evaluation) -> _Found:
    candidates, sure, doubtful, _ = _sorted(rule, table, evaluation)
    if sure:
        return Result.PASS, Reason("any_pass", {"n": len(sure)}), sure
    if doubtful:
        return _doubt(rule, table, evaluation, candidates, len(table.rows or ()))
    _nothing_missing(table, rule.table)
    if candidates:
        return Result.FAIL, Reason("any_fail", {"rows": len(candidates)}), candidates
    return Result.FAIL, Reason("any_fail_empty", {"table": rule.table, "rows": len(table.rows or ())}), ()


def _each(rule: Rule, table: Table, evaluation: Evaluation) -> _Found:
    candidates, broken, doubtful, _ = _sorted(rule, table, evaluation)
    if broken:
        return Result.FAIL, Reason("each_fail", {"n": len(broken), "rows": len(candidates)}), broken
    if doubtful:
        return _doubt(rule, table, evaluation, doubtful, len(candidates))
    _nothing_missing(table, rule.table)
    if candidates:
        return Result.PASS, Reason("each_pass", {"rows": len(candidates)}), ()
    return Result.PASS, Reason("each_pass_empty", {"table": rule.table, "rows": len(table.rows or ())}), ()


def _none(rule: Rule, table: Table, evaluation: Evaluation) -> _Found:
    _, forbidden, doubtful, _ = _sorted(rule, table, evaluation)
    rows = len(table.rows or ())
    if forbidden:
        return Result.FAIL, Reason("none_fail", {"table": rule.table, "n": len(forbidden), "rows": rows}), forbidden
    if doubtful:
        return _doubt(rule, table, evaluation, doubtful, rows)
    _nothing_missing(table, rule.table)
    return Result.PASS, Reason("none_pass" if rows else "none_pass_empty", {"table": rule.table, "rows": rows}), ()


def _count(rule: Rule, table: Table, evaluation: Evaluation) -> _Found:
    _, sure, doubtful, _ = _sorted(rule, table, evaluation)
    bounds: Bounds = rule.pass_if
    incomplete = any(note.column is None for note in table.notes)
    least, most = len(sure), len(sure) + len(doubtful)
    args = {"n": least, "gte": bounds.gte, "lte": bounds.lte}
    if bounds.lte is not None and least > bounds.lte:
        return Result.FAIL, Reason("count_fail", args), sure
    if not incomplete and most < bounds.gte:
        return Result.FAIL, Reason("count_fail", args), sure
    if least >= bounds.gte and (bounds.lte is None or (not incomplete and most <= bounds.lte)):
        return Result.PASS, Reason("count_pass", args), sure
    if doubtful:
        return _doubt(rule, table, evaluation, doubtful, len(table.rows or ()))
    _nothing_missing(table, rule.table)
    raise AssertionError("a count without doubt and without gaps is inside its bounds or outside")


_QUANTIFIERS = {"any": _any, "each": _each, "none": _none, "count": _count}
