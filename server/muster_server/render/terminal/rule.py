"""`muster report --rule ID`: where does this rule fail?"""

from __future__ import annotations

from muster_server.judge.policy import Policy
from muster_server.judge.verdict import Result
from muster_server.render.terminal.cells import Cell, Column, Line, Row, fold, labelled, paint, spread, table
from muster_server.render.terminal.evidence import measured, reason
from muster_server.render.terminal.screen import Screen, days, minute, pc_argument, severity, unit
from muster_server.tally import Item, PCTally, Rate, RuleTally, State, Tally
from muster_server.words import Words

USUAL = 20  # PCs of each list
NO_DAY = Cell("-")


def lines(tally: Tally, rule: RuleTally, screen: Screen) -> list[str]:
    """One rule: what it asks and why, how many pass, where it fails, and where it cannot be told."""
    parts = [
        _head(tally, rule, screen),
        _counts(tally, rule, screen),
        _units(rule, screen),
        _failing(tally, rule, screen),
        _unclear(rule, screen),
    ]
    laid = [line for part in parts if part for line in (*part, ())][:-1]
    return paint([*laid, *_next(rule, screen)], screen.colour)


def policy_of(tally: Tally, rule: RuleTally) -> Policy | None:
    """The policy the rule stands in."""
    return next((policy for policy in tally.policies if rule.rule in policy.rules), None)


def item_of(pc: PCTally, rule: RuleTally) -> Item | None:
    """The PC's open item for the rule."""
    return next((item for item in pc.items if item.rule.id == rule.rule.id), None)


def _head(tally: Tally, one: RuleTally, screen: Screen) -> list[Line]:
    words, rule = screen.words, one.rule
    lines = fold(f"{rule.id}  {words.of(rule.title)}", screen.usable, "head", "", "  ")
    facts = [
        words("report.rule.severity", severity=severity(rule.severity, words)),
        words("report.rule.days", n=rule.due.days),
    ]
    policy = policy_of(tally, one)
    if policy is not None:
        facts.append(words("report.policy", title=words.of(policy.title), version=policy.version))
    facts.append(words("report.as_of", moment=minute(tally.as_of, tally)))
    lines += spread([Cell(fact) for fact in facts], screen.usable)
    said = [(words("report.rule.why"), words.of(rule.why))] if rule.why else []
    said.append((words("report.rule.fix"), words.of(rule.fix)))
    if rule.references:
        said.append((words("report.rule.references"), references(one, words)))
    return lines + labelled(said, screen.usable)


def references(one: RuleTally, words: Words) -> str:
    """The articles the rule rests on."""
    colon, comma, stop = ("：", "、", "；") if words.lang == "zh" else (": ", ", ", "; ")
    return stop.join(
        f"{words.maybe('report.reference.' + name, name)}{colon}{comma.join(articles)}"
        for name, articles in one.rule.references.items()
    )


def _counts(tally: Tally, one: RuleTally, screen: Screen) -> list[Line]:
    words, results = screen.words, one.results
    if not one.applicable:
        lines = screen.paragraph(words("report.rule.none_applies"), "doubt")
    else:
        said = words(
            "report.rule.counts",
            applicable=one.applicable,
            passed=results[Result.PASS],
            failed=results[Result.FAIL],
            unknown=results[Result.UNKNOWN],
            error=results[Result.ERROR],
        )
        rate = Rate(results[Result.PASS], one.applicable)
        parts = [Cell(said), Cell(words("report.rule.rate", rate=rate.percent()))]
        if one.overdue:
            parts.append(Cell(words("report.rule.overdue", n=one.overdue), "bad"))
        lines = spread(parts, screen.usable)
        if rate.n == rate.of:
            lines += screen.paragraph(words("report.rule.clean", n=rate.of), "good")
    others = words(
        "report.rule.others",
        not_applicable=results[Result.NOT_APPLICABLE],
        not_checked=results[Result.NOT_CHECKED],
        silent=tally.whole.states[State.SILENT],
    )
    return lines + screen.paragraph(others)


def _units(one: RuleTally, screen: Screen) -> list[Line]:
    words = screen.words
    if not one.by_unit:
        return []
    some = screen.some(one.by_unit, USUAL)
    columns = [
        Column(words("report.column.unit"), cut=12),
        Column(words("report.column.failing"), right=True),
        Column(words("report.column.overdue"), right=True),
        Column(words("report.column.responsible"), cut=6),
    ]
    rows = [
        Row(
            [
                Cell(unit(part.name, words)),
                Cell(str(part.failing)),
                Cell(str(part.overdue), "bad" if part.overdue else ""),
                Cell(part.responsible or "-"),
            ]
        )
        for part in some
    ]
    lines: list[Line] = [(Cell(words("report.rule.units", n=one.units), "head"),)]
    return lines + table(columns, rows, screen.columns) + screen.shown(some, one.by_unit)


def _failing(tally: Tally, one: RuleTally, screen: Screen) -> list[Line]:
    words = screen.words
    if not one.failing:
        return []
    some = screen.some(one.failing, USUAL)
    columns = [
        Column(words("report.column.pc")),
        Column(words("report.column.unit"), at=100, cut=12),
        Column(words("report.column.responsible"), at=160, cut=6),
        Column(words("report.column.left")),
        Column(words("report.column.measured"), cut=20, below=True),
    ]
    rows = []
    for pc in some:
        item, verdict = item_of(pc, one), pc.verdict(one.rule.id)
        rows.append(
            Row(
                [
                    Cell(pc.pc.name),
                    Cell(unit(pc.pc.unit, words)),
                    Cell(pc.responsible or "-"),
                    days(item.days_left, words) if item else NO_DAY,
                    Cell(measured(verdict, one.rule, tally, words) if verdict else "-"),
                ]
            )
        )
    lines: list[Line] = [(Cell(words("report.rule.failing", n=len(one.failing)), "head"),)]
    return lines + table(columns, rows, screen.columns) + screen.shown(some, one.failing)


def _unclear(one: RuleTally, screen: Screen) -> list[Line]:
    words = screen.words
    if not one.unclear:
        return []
    some = screen.some(one.unclear, USUAL)
    columns = [
        Column(words("report.column.pc")),
        Column(words("report.column.unit"), at=100, cut=12),
        Column(words("report.column.reason"), cut=20, below=True),
    ]
    rows = []
    for pc in some:
        verdict = pc.verdict(one.rule.id)
        why = reason(verdict, words) if verdict else "-"
        rows.append(Row([Cell(pc.pc.name), Cell(unit(pc.pc.unit, words)), Cell(why)]))
    lines: list[Line] = [(Cell(words("report.rule.unclear", n=len(one.unclear)), "head"),)]
    return lines + table(columns, rows, screen.columns) + screen.shown(some, one.unclear)


def _next(one: RuleTally, screen: Screen) -> list[Line]:
    report = f"{screen.command} report"
    first = (*one.failing, *one.unclear)[:1]
    if first:
        return screen.next("report.next", f"{report} --pc {pc_argument(first[0])}")
    return screen.next("report.next.office", report)
