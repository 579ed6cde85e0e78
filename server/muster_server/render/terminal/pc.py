"""`muster report --pc NAME`: why does this PC fail, and what is to be done?"""

from __future__ import annotations

from muster_agent.facts import Problem
from muster_server.judge.policy import Rule
from muster_server.judge.verdict import Result, Verdict
from muster_server.render.terminal.cells import Cell, Column, Line, Row, fold, paint, spread, table
from muster_server.render.terminal.evidence import doubtful, measured, measured_rows, reason
from muster_server.render.terminal.screen import (
    Screen,
    day,
    days,
    minute,
    problem,
    result,
    severity,
    silence,
    state,
    system,
    unit,
)
from muster_server.tally import Item, PCTally, State, Tally
from muster_server.words import Words

USUAL = 5  # rows of evidence of one check
MOST_EVIDENCE = 10**6  # --all: as many as the judge kept


def lines(tally: Tally, pc: PCTally, screen: Screen) -> list[str]:
    """One PC: what it is, every check it does not pass with what was measured and how to mend it; the rest counted."""
    parts = [_head(tally, pc, screen), _open(tally, pc, screen), _rest(tally, pc, screen), _tables(pc, screen)]
    laid = [line for part in parts if part for line in (*part, ())][:-1]
    return paint([*laid, *_next(pc, screen)], screen.colour)


def open_verdicts(tally: Tally, pc: PCTally) -> list[tuple[Rule, Verdict | None, Item | None]]:
    """What the PC does not pass: fails first by their due date, then what could not be told, by severity."""
    rules = {one.rule.id: one.rule for one in tally.rules}
    items = {item.rule.id: item for item in pc.items}
    shown = [(item.rule, pc.verdict(item.rule.id), item) for item in pc.items]
    fails = [v for v in pc.verdicts if v.result is Result.FAIL and v.rule not in items and v.rule in rules]
    doubts = [v for v in pc.verdicts if doubtful(v) and v.rule not in items and v.rule in rules]
    return [*shown, *((rules[verdict.rule], verdict, None) for verdict in (*fails, *doubts))]


def settled(tally: Tally, pc: PCTally) -> list[tuple[Rule, Verdict]]:
    """Its other verdicts: passed, not applicable, not checked; in the order of the policy."""
    rules = {one.rule.id: one.rule for one in tally.rules}
    taken = {rule.id for rule, _, _ in open_verdicts(tally, pc)}
    return [(rules[v.rule], v) for v in pc.verdicts if v.rule in rules and v.rule not in taken]


def _head(tally: Tally, pc: PCTally, screen: Screen) -> list[Line]:
    words = screen.words
    title = [Cell(pc.pc.name, "head"), state(pc.state, words)]
    if pc.days_left is not None:
        title.append(days(pc.days_left, words))
    if pc.state is State.SILENT:
        title.append(Cell(silence(pc, words), "doubt"))
    facts = [
        words("report.pc.unit", unit=unit(pc.pc.unit, words)),
        words("report.pc.responsible", name=pc.responsible or "-"),
        *([words("report.last_report", moment=minute(pc.pc.last_report, tally))] if pc.pc.last_report else []),
        words("report.pc.os", os=system(pc, words)) if pc.judged.subject.tables else words("report.pc.os_unknown"),
        words("report.pc.id", id=pc.pc.id),
        words("report.as_of", moment=minute(tally.as_of, tally)),
    ]
    if "simulated" in pc.pc.tags:
        facts.append(words("report.pc.simulated"))
    lines = [*spread(title, screen.usable), *spread([Cell(fact) for fact in facts], screen.usable)]
    if pc.pc.conflict:
        lines += screen.paragraph(words("report.conflict"), "bad")
    if pc.pc.last_report is None:
        lines += screen.paragraph(words("report.pc.never"), "doubt")
    elif pc.state is State.SILENT:
        lines += screen.paragraph(words("report.pc.silent"), "doubt")
    return lines


def _open(tally: Tally, pc: PCTally, screen: Screen) -> list[Line]:
    words = screen.words
    shown = open_verdicts(tally, pc)
    if not shown:
        style = "good" if pc.state is State.COMPLIANT else ""
        return screen.paragraph(words("report.pc.clean", n=pc.passed), style) if pc.passed else []
    columns = [
        Column(words("report.column.rule")),
        Column(words("report.column.severity")),
        Column(words("report.column.verdict")),
        Column(words("report.column.left")),
        Column(words("report.column.first_seen"), at=60),
        Column(words("report.column.due"), at=60),
    ]
    most = MOST_EVIDENCE if screen.everything else USUAL
    rows = [_row(rule, verdict, item, tally, words, most) for rule, verdict, item in shown]
    return table(columns, rows, screen.columns)


def _row(rule: Rule, verdict: Verdict | None, item: Item | None, tally: Tally, words: Words, most: int) -> Row:
    # A silent PC keeps its open items; what it failed on is then what its last report said, or nothing is known.
    outcome = result(verdict.result if verdict is not None else Result.FAIL, words)
    left = days(item.days_left if item else None, words)
    if item is not None and item.finding.relapsed:
        left = Cell(f"{left.text} ({words('report.pc.relapsed')})", left.style)
    cells = [
        Cell(rule.id),
        Cell(severity(rule.severity, words)),
        outcome,
        left,
        Cell(day(item.finding.first_seen, tally) if item else "-"),
        Cell(day(item.finding.due, tally) if item else "-"),
    ]
    details = [(words("report.pc.required"), words.of(rule.title))]
    if verdict is not None and doubtful(verdict):
        details.append((words("report.pc.reason"), reason(verdict, words)))
    if verdict is not None and (verdict.evidence or not doubtful(verdict)):
        found = measured_rows(verdict, rule, tally, words, most)
        details += zip((words("report.pc.measured"), *[""] * len(found)), found, strict=False)
    if verdict is None or verdict.result is Result.FAIL:
        details.append((words("report.pc.fix"), words.of(rule.fix)))
    return Row(cells, details)


def _rest(tally: Tally, pc: PCTally, screen: Screen) -> list[Line]:
    """What needs nothing: counted, and listed only when asked for."""
    words = screen.words
    rest = settled(tally, pc)
    if not rest or (not screen.everything and not open_verdicts(tally, pc)):
        return []
    if not screen.everything:
        counted = words("report.pc.rest", n=len(rest), passed=pc.passed, not_applicable=pc.not_applicable)
        return screen.paragraph(counted)
    lines: list[Line] = [(Cell(words("report.pc.rest_listed"), "head"),)]
    columns = [
        Column(words("report.column.rule")),
        Column(words("report.column.verdict")),
        Column(words("report.column.title"), cut=26, below=True),
    ]
    rows = [
        Row(
            [Cell(rule.id), result(verdict.result, words), Cell(words.of(rule.title))],
            [(words(_said_by(verdict)), measured(verdict, rule, tally, words))],
        )
        for rule, verdict in rest
    ]
    return lines + table(columns, rows, screen.columns)


def _said_by(verdict: Verdict) -> str:
    """The label of what stands under a settled check: what was measured, or why nothing was."""
    return "report.pc.measured" if verdict.result is Result.PASS else "report.pc.reason"


def _tables(pc: PCTally, screen: Screen) -> list[Line]:
    """The facts that could not be read, with the reason: what is missing must not look like what is fine."""
    words = screen.words
    colon = "：" if words.lang == "zh" else ": "
    missing = []  # what, why, and what to do about it
    for name, one in (pc.judged.subject.tables or {}).items():
        title = words.maybe("table." + name, name)
        if one.problem is not None:
            missing.append((f"{title}{colon}{problem(one.problem, words)}", _advice(one.problem, words)))
        for note in one.notes:
            column = words.maybe(f"column.{note.column}", note.column or "")
            missing.append((f"{title} {column}".strip() + colon + problem(note, words), _advice(note, words)))
    if not missing:
        return []
    lines: list[Line] = [(Cell(words("report.pc.tables"), "head"),)]
    for said, advice in dict.fromkeys(missing):
        lines += fold(said, screen.usable, "", "? ", "  ")
        lines += fold(advice, screen.usable, "", "  ", "  ") if advice else []
    return lines


def _advice(one: Problem, words: Words) -> str:
    """What the PC's user can do about it, where the agent knows something."""
    return words.maybe("advice." + one.code, "")


def _next(pc: PCTally, screen: Screen) -> list[Line]:
    if pc.pc.last_report is None:
        return screen.next("report.next.run", "muster-agent run")
    if pc.state is not State.COMPLIANT:
        return screen.next("report.next.mended", "muster-agent run")
    return screen.next("report.next.office", f"{screen.command} report")
