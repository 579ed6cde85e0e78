"""`muster report`: does the office pass muster, and what comes first?"""

from __future__ import annotations

from muster_server.judge.verdict import Result
from muster_server.render.terminal.cells import Cell, Column, Line, Row, bar, paint, spread, table
from muster_server.render.terminal.evidence import reason
from muster_server.render.terminal.screen import (
    STALE,
    Screen,
    day,
    days,
    first_item,
    minute,
    number,
    pc_argument,
    rate,
    severity,
    silence,
    state,
    system,
    undetermined,
    unit,
)
from muster_server.tally import MIN_RANKED, PCTally, Rate, RuleTally, State, Tally, UnitTally
from muster_server.words import Words

USUAL = 5  # rows of each list: the whole view stays within a screen and a half


def lines(tally: Tally, screen: Screen) -> list[str]:
    """The office on one screen: the conclusion first, then the states, what needs attention, and what to type next."""
    if not tally.pcs or tally.last_report is None or not any(policy.rules for policy in tally.policies):
        return paint(_nothing_to_judge(tally, screen), screen.colour)
    parts = [_head, _states, _identity, _attention, _flow]
    laid = [line for part in parts for line in (*part(tally, screen), ())][:-1]
    return paint([*laid, *_next(tally, screen)], screen.colour)


def headline(tally: Tally, words: Words) -> str:
    """Line one: met or not, n of N, the target, and how many are missing."""
    if not tally.pcs:
        return words("report.headline.no_pc")
    if tally.last_report is None:
        return words("report.headline.no_report", n=number(len(tally.pcs), words))
    if not any(policy.rules for policy in tally.policies):
        return words("report.headline.no_policy", n=number(len(tally.pcs), words))
    confirmed, target = tally.whole.confirmed, tally.office.target
    return words(
        "report.headline.met" if confirmed.meets(target) else "report.headline.not_met",
        n=number(confirmed.n, words),
        of=number(confirmed.of, words),
        percent=confirmed.percent(),
        target=target,
        missing=number(confirmed.missing(target), words),
    )


def _nothing_to_judge(tally: Tally, screen: Screen) -> list[Line]:
    """Why there is no number yet, and what to do about it."""
    lines = [*screen.paragraph(headline(tally, screen.words), "doubt"), *_context(tally, screen)]
    if not tally.pcs:
        return lines + screen.next(
            "report.next.enrol", f"{screen.command} token --unit {screen.words('report.next.unit')}"
        )
    if tally.last_report is None:
        return lines + screen.next("report.next.run", "muster-agent run")
    return lines + screen.next("report.next.policy", f"{screen.command} policy --help")


def _head(tally: Tally, screen: Screen) -> list[Line]:
    met = tally.whole.confirmed.meets(tally.office.target)
    lines = screen.paragraph(headline(tally, screen.words), "good" if met else "bad")
    tenths = tally.whole.confirmed.tenths() or 0
    lines.append((Cell(bar(tenths, min(40, screen.columns - 3)), "good" if met else "bad"),))
    return lines + _context(tally, screen)


def _context(tally: Tally, screen: Screen) -> list[Line]:
    """Whose numbers, by which policy, as of when; and what a reader must know before trusting them."""
    words = screen.words
    parts = [words.of(tally.office.name)]
    parts += [words("report.policy", title=words.of(p.title), version=p.version) for p in tally.policies]
    parts.append(words("report.as_of", moment=minute(tally.as_of, tally)))
    if tally.last_report is not None:
        parts.append(words("report.last_report", moment=minute(tally.last_report, tally)))
    lines = spread([Cell(part) for part in parts if part], screen.usable)
    if tally.last_report is not None and tally.as_of - tally.last_report > STALE:
        lines += screen.paragraph(words("report.stale", n=(tally.as_of - tally.last_report).days), "doubt")
    for key, n in (("report.awaiting", tally.awaiting), ("report.duplicates", tally.duplicates)):
        if n:
            lines += screen.paragraph(words(key, n=n), "doubt")
    if tally.simulated:
        key = "report.simulated_all" if tally.simulated == len(tally.pcs) else "report.simulated"
        lines += screen.paragraph(words(key, n=tally.simulated, of=len(tally.pcs)), "doubt")
    return lines + (screen.paragraph(words("report.no_register")) if tally.pcs else [])


def _states(tally: Tally, screen: Screen) -> list[Line]:
    """The states, which add up to the register."""
    words, whole = screen.words, tally.whole
    silent_after = tally.office.silent_after.days
    rows = []
    for one in (State.COMPLIANT, State.NONCOMPLIANT, State.UNKNOWN, State.SILENT):
        meaning = words("report.meaning." + one, days=silent_after)
        rows.append(_state_row(state(one, words), whole.states[one], whole.registered, meaning))
        overdue = whole.overdue_in[one]
        if overdue or one is State.NONCOMPLIANT:
            cell = Cell(f"  ! {words('report.state.overdue')}", "bad" if overdue else "")
            rows.append(_state_row(cell, overdue, whole.registered, words("report.meaning.overdue")))
    total = Cell(f"= {words('report.state.registered')}")
    rows.append(_state_row(total, whole.registered, whole.registered, words("report.meaning.registered")))
    columns = [
        Column(words("report.column.state")),
        Column(words("report.column.pcs"), right=True),
        Column(words("report.column.share"), right=True),
        Column(words("report.column.meaning"), cut=20),
    ]
    return table(columns, rows, screen.columns)


def _state_row(name: Cell, n: int, of: int, meaning: str) -> Row:
    return Row([name, Cell(str(n)), Cell(Rate(n, of).percent()), Cell(meaning)])


def _identity(tally: Tally, screen: Screen) -> list[Line]:
    """The headline taken apart: it rises by reaching more PCs or by mending them, and by nothing else."""
    words, whole = screen.words, tally.whole
    said = words(
        "report.identity",
        confirmed=whole.confirmed.percent(),
        coverage=f"{whole.coverage.n}/{whole.coverage.of} ({whole.coverage.percent()})",
        checked=f"{whole.checked.n}/{whole.checked.of} ({whole.checked.percent()})",
    )
    return screen.paragraph(said) + screen.paragraph(words("report.pass_rate", rate=rate(tally.pass_rate)))


def _flow(tally: Tally, screen: Screen) -> list[Line]:
    """Where the open problems come from: the signs say how the first six make the seventh."""
    words, flow = screen.words, tally.flow
    numbers = {
        "before": str(flow.before),
        "new": f"+{flow.new}",
        "relapsed": f"+{flow.relapsed}",
        "mended": f"-{flow.mended}",
        "neutral": f"-{flow.neutral}",
        "after": f"={flow.after}",
        "overdue": str(tally.whole.items_overdue),
    }
    columns = [Column(words("report.flow." + name), right=True) for name in numbers]
    row = Row([Cell(said) for said in numbers.values()])
    title = words("report.section.flow", since=day(flow.since, tally))
    return [(Cell(title, "head"),), *table(columns, [row], screen.columns)]


def _attention(tally: Tally, screen: Screen) -> list[Line]:
    parts = [_units(tally, screen), pcs(tally, screen), _rules(tally, screen)]
    parts = [part for part in parts if part]
    if not parts:
        return screen.paragraph(screen.words("report.all_compliant"), "good")
    return [line for part in parts for line in (*part, ())][:-1]


def _units(tally: Tally, screen: Screen) -> list[Line]:
    """The units that are not wholly compliant, worst first."""
    words = screen.words
    wanting = [one for one in tally.units if screen.everything or one.states[State.COMPLIANT] < one.registered]
    if not wanting:
        return []
    some = screen.some(wanting, USUAL)
    columns = [
        Column(words("report.column.unit"), cut=12),
        Column(words("report.column.registered"), at=60, right=True),
        Column(words("report.column.compliant"), at=100, right=True),
        Column(words("report.column.noncompliant"), at=60, right=True),
        Column(words("report.column.unknown"), at=100, right=True),
        Column(words("report.column.silent"), at=60, right=True),
        Column(words("report.column.overdue"), right=True),
        Column(words("report.column.rate"), right=True),
        Column(words("report.column.distribution"), at=100),
        Column(words("report.column.responsible"), at=60, cut=6),
    ]
    lines: list[Line] = [(Cell(words("report.section.units"), "head"),)]
    lines += table(columns, [_unit_row(one, words) for one in some], screen.columns)
    lines += screen.shown(some, wanting)
    if any(not one.ranked for one in some):
        lines += screen.paragraph(words("report.unranked", n=MIN_RANKED))
    return lines


def _unit_row(one: UnitTally, words: Words) -> Row:
    counts = {name: one.states[name] for name in State}
    return Row(
        [
            Cell(unit(one.name, words)),
            Cell(str(one.registered)),
            Cell(str(counts[State.COMPLIANT])),
            Cell(str(counts[State.NONCOMPLIANT])),
            Cell(str(counts[State.UNKNOWN])),
            Cell(str(counts[State.SILENT])),
            Cell(str(one.overdue), "bad" if one.overdue else ""),
            Cell(one.confirmed.percent() if one.ranked else "-"),
            Cell(bar(one.confirmed.tenths() or 0, 10)),
            Cell(one.responsible or "-"),
        ]
    )


def pcs(tally: Tally, screen: Screen) -> list[Line]:
    """The PCs that need work, most urgent first, each with its first problem."""
    words = screen.words
    wanting = [pc for pc in tally.pcs if screen.everything or pc.state is not State.COMPLIANT]
    if not wanting:
        return []
    some = screen.some(wanting, USUAL)
    columns = [
        Column(words("report.column.pc")),
        Column(words("report.column.unit"), at=100, cut=12),
        Column(words("report.column.responsible"), at=100, cut=6),
        Column(words("report.column.verdict")),
        Column(words("report.column.left")),
        Column(words("report.column.problems"), at=100, right=True),
        Column(words("report.column.first_seen"), at=160),
        Column(words("report.column.due"), at=160),
        Column(words("report.column.last_report"), at=160),
        Column(words("report.column.os"), at=160, cut=12),
        Column(words("report.column.first_problem"), cut=26, below=True),
    ]
    lines: list[Line] = [(Cell(words("report.section.pcs"), "head"),)]
    lines += table(columns, [_pc_row(pc, tally, words) for pc in some], screen.columns)
    return lines + screen.shown(some, wanting)


def _pc_row(pc: PCTally, tally: Tally, words: Words) -> Row:
    item = first_item(pc)
    return Row(
        [
            Cell(pc.pc.name),
            Cell(unit(pc.pc.unit, words)),
            Cell(pc.responsible or "-"),
            state(pc.state, words),
            days(pc.days_left, words),
            Cell(str(len(pc.items))),
            Cell(day(item.finding.first_seen, tally) if item else "-"),
            Cell(day(item.finding.due, tally) if item else "-"),
            Cell(minute(pc.pc.last_report, tally) if pc.pc.last_report else "-"),
            Cell(system(pc, words)),
            Cell(first_problem(pc, words)),
        ]
    )


def first_problem(pc: PCTally, words: Words) -> str:
    """What is wrong with the PC, the gravest first."""
    said = []
    if pc.state is State.SILENT:
        said.append(silence(pc, words))
    if pc.pc.conflict:
        said.append(words("report.conflict"))
    item = first_item(pc)
    if item is not None:
        said.append(f"{item.rule.id} {words.of(item.rule.title)}")
    elif pc.state is State.UNKNOWN and not pc.pc.conflict:
        doubts = undetermined(pc)
        if doubts:
            said.append(f"{words('report.cannot_tell', n=len(doubts))}: {doubts[0].rule} {reason(doubts[0], words)}")
        else:
            said.append(words("report.nothing_applies"))
    return ("；" if words.lang == "zh" else "; ").join(said)


def _rules(tally: Tally, screen: Screen) -> list[Line]:
    words = screen.words
    failing = [one for one in tally.rules if screen.everything or one.results[Result.FAIL]]
    if not failing:
        return []
    some = screen.some(failing, USUAL)
    columns = [
        Column(words("report.column.rule")),
        Column(words("report.column.severity"), at=60),
        Column(words("report.column.failing"), right=True),
        Column(words("report.column.overdue"), right=True),
        Column(words("report.column.unclear"), at=100, right=True),
        Column(words("report.column.applicable"), at=60, right=True),
        Column(words("report.column.title"), cut=26, below=True),
    ]
    lines: list[Line] = [(Cell(words("report.section.rules"), "head"),)]
    lines += table(columns, [_rule_row(one, words) for one in some], screen.columns)
    return lines + screen.shown(some, failing)


def _rule_row(one: RuleTally, words: Words) -> Row:
    return Row(
        [
            Cell(one.rule.id),
            Cell(severity(one.rule.severity, words)),
            Cell(str(one.results[Result.FAIL])),
            Cell(str(one.overdue), "bad" if one.overdue else ""),
            Cell(str(one.undetermined)),
            Cell(str(one.applicable)),
            Cell(words.of(one.rule.title)),
        ]
    )


def _next(tally: Tally, screen: Screen) -> list[Line]:
    """The one command that serves the reader best now."""
    report = f"{screen.command} report"
    late = max(tally.rules, key=lambda one: one.overdue, default=None)
    if late is not None and late.overdue:
        command = f"{report} --rule {late.rule.id}"
        return screen.next("report.next.overdue_rule", command, rule=late.rule.id, n=late.overdue)
    worst = tally.rules[0]
    if worst.results[Result.FAIL]:
        command = f"{report} --rule {worst.rule.id}"
        return screen.next("report.next.failing_rule", command, rule=worst.rule.id, n=worst.results[Result.FAIL])
    first = tally.pcs[0]
    if first.state is not State.COMPLIANT:
        return screen.next("report.next.pc", f"{report} --pc {pc_argument(first)}")
    month = tally.as_of.strftime("%Y-%m")
    return screen.next("report.next.month", f"{report} --html {month}.html")
