"""The numbers of the report are the tally's, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from muster_server.judge.verdict import Result
from muster_server.render.html import render
from muster_server.render.html.sections import ITEMS, PROBLEMS, SILENT, UNITS
from muster_server.tally import Month, Rate, State
from muster_server.words import Words

ORDER = (State.COMPLIANT, State.NONCOMPLIANT, State.UNKNOWN, State.SILENT)


class Tables(HTMLParser):
    """Every table by its class, as rows of cell texts; and the rest of the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.rows: list[list[str]] | None = None
        self.cell: list[str] | None = None
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.rows = self.tables.setdefault(str(dict(attrs)["class"]), [])
        elif tag == "tr" and self.rows is not None:
            self.rows.append([])
        elif tag in ("td", "th") and self.rows is not None:
            self.cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self.rows and self.cell is not None:
            self.rows[-1].append(" ".join("".join(self.cell).split()))
            self.cell = None
        elif tag == "table":
            self.rows = None

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.append(data)
        self.text += data


def written(rate: Rate) -> str:
    return f"{rate.percent()} {rate.n}/{rate.of}"


@pytest.fixture
def month(make: Callable[..., Month]) -> Month:
    return make(number=200, units=["信息科"] * 9 + ["财务科"] * 9 + ["办公室", "值班室"])


@pytest.fixture
def shown(month: Month, words: Words) -> Tables:
    return Tables(render(month, words))


def test_units_and_their_total(month: Month, shown: Tables) -> None:
    rows = shown.tables["units"][1:]
    expected = [*month.tally.units, month.tally.whole]
    assert len(rows) == len(expected)
    for row, unit in zip(rows, expected, strict=True):
        counts = [unit.registered, *(unit.states[state] for state in ORDER), unit.overdue]
        assert row[3:9] == [str(count) for count in counts]
        few = f"- {unit.confirmed.n}/{unit.confirmed.of}"
        assert row[9] == (written(unit.confirmed) if unit.ranked else few)
    assert sum(int(row[3]) for row in rows[:-1]) == int(rows[-1][3]) == 200
    assert all(sum(map(int, row[4:8])) == int(row[3]) for row in rows)
    assert [row[0] for row in rows] == [
        *(str(rank) if unit.ranked else "-" for rank, unit in enumerate(month.tally.units, 1)),
        "",
    ]


def test_a_units_change_is_the_difference_of_the_printed_percentages(month: Month, shown: Tables) -> None:
    assert month.before is not None
    before = {unit.name: unit for unit in month.before.units}
    for row, unit in zip(shown.tables["units"][1:], month.tally.units, strict=False):
        then = float(before[unit.name].confirmed.percent().rstrip("%"))
        now = float(unit.confirmed.percent().rstrip("%"))
        assert float(row[10].replace("\N{MINUS SIGN}", "-").replace("±", "")) == pytest.approx(now - then)


def test_the_flow_adds_up(month: Month, shown: Tables) -> None:
    flow = month.tally.flow
    cells = [row[1].replace("\N{MINUS SIGN}", "-").replace(" ", "") for row in shown.tables["flow"][1:]]
    numbers = [int(cell.lstrip("=")) for cell in cells]
    assert numbers == [flow.before, flow.new, flow.relapsed, -flow.mended, -flow.neutral, flow.after]
    assert sum(numbers[:-1]) == numbers[-1]
    assert min(abs(number) for number in numbers) > 0  # else the test proves little


def test_problems_remediation_and_silence(month: Month, shown: Tables) -> None:
    now = month.tally
    failing = [rule for rule in now.rules if rule.results[Result.FAIL]]
    for row, rule in zip(shown.tables["problems"][1:], failing[:PROBLEMS], strict=True):
        assert row[0].startswith(rule.rule.id)
        assert row[2] == f"{rule.results[Result.FAIL]}/{rule.applicable}"
        assert row[4:7] == [str(rule.units), str(rule.overdue), str(rule.undetermined)]
    listed = shown.tables["items"][1:]
    assert len(listed) == min(ITEMS, len(now.items))
    for row, item in zip(listed, now.items, strict=False):
        assert row[0].startswith(item.pc.name)
        assert row[6] == item.finding.due.astimezone(now.as_of.tzinfo).date().isoformat()
        assert str(abs(item.days_left)) in row[7] or item.days_left == 0
    silent = now.whole.states[State.SILENT]
    assert sum(int(row[1]) for row in shown.tables["bands"][1:]) == silent
    assert len(shown.tables["silent"]) - 1 == min(SILENT, silent)


def test_states_rates_trend_and_the_first_page(month: Month, shown: Tables, words: Words) -> None:
    whole = month.tally.whole
    states = {row[0]: row[-1] for row in shown.tables["states"][1:]}
    assert states == {words(f"month.state.{state.value}"): str(whole.states[state]) for state in State}
    rates = [whole.confirmed, whole.coverage, whole.checked, month.tally.pass_rate]
    assert [row[-1] for row in shown.tables["rates"][1:]] == [written(rate) for rate in rates]
    assert [row[1:] for row in shown.tables["months"][1:]] == [
        [written(point.confirmed), written(point.coverage)] for point in reversed(month.trend)
    ]
    assert whole.confirmed.percent() in shown.text
    assert str(whole.items_overdue) in shown.text


def test_the_trend_needs_two_months_and_says_so(make: Callable[..., Month], words: Words) -> None:
    short, year = render(make(months=1), words), render(make(months=12), words)
    assert words("month.trend.too_short") in short
    assert 'class="lines"' not in short
    assert year.count('class="point"') == 12
    assert words("month.trend.too_short") not in year
    assert words("month.change.no_month") in short
    assert words("month.change.no_month") not in year


def test_a_changed_policy_breaks_the_line_and_the_comparison(make: Callable[..., Month], words: Words) -> None:
    broken = render(make(changed=True), words)
    same = render(make(), words)
    path = re.compile(r'<path class="confirmed" d="([^"]*)"')
    assert [path.findall(one)[0].count("M") for one in (same, broken)] == [1, 2]
    assert words("month.change.incomparable", change="x") in broken
    assert words("month.limit.incomparable") in broken
    assert words("month.limit.incomparable") not in same
    assert all(row[10] == "-" for row in Tables(broken).tables["units"][1:])


def test_a_month_without_data_interrupts_the_line(make: Callable[..., Month], words: Words) -> None:
    month = make()
    gap = Month(month.name, month.over, month.tally, month.before, month.trend[:4] + month.trend[6:])
    path = re.findall(r'<path class="confirmed" d="([^"]*)"', render(gap, words))[0]
    assert path.count("M") == 2
    assert path.count("L") == len(gap.trend) - 2


def test_an_empty_office_says_in_words_that_there_is_nothing(make: Callable[..., Month], words: Words) -> None:
    said = Tables(render(make(number=0, months=1), words)).text
    for key in ("units.none", "flow.none", "problems.none", "remediation.none", "silence.empty", "conclusion.empty"):
        assert words(f"month.{key}") in said
    assert words("month.missed") not in said
    assert "0.0%" not in said.replace(words("month.threshold.zone", zone="UTC+08:00"), "")


def test_cut_tables_say_of_how_many(make: Callable[..., Month], words: Words) -> None:
    month = make(number=2000, units=[f"科室{n}" for n in range(130)])
    shown = Tables(render(month, words))
    assert len(shown.tables["units"]) - 1 == UNITS + 1
    assert len(shown.tables["items"]) - 1 == ITEMS
    assert shown.text.count("muster report") >= 3
    for number in (130, len(month.tally.items)):
        assert (f"{number:,}" if words.lang == "en" else str(number)) in shown.text


def test_action_is_asked_of_the_unit_with_most_overdue(month: Month, shown: Tables, words: Words) -> None:
    worst = max(month.tally.units, key=lambda unit: unit.items_overdue)
    overdue, *others = shown.tables["asked"][1:]
    assert overdue[1:3] == [worst.name, worst.responsible or words("month.unassigned")]
    first = next(item for item in month.tally.items if item.pc.unit == worst.name)
    assert overdue[3].endswith(first.finding.due.astimezone(month.tally.as_of.tzinfo).date().isoformat())
    assert len(others) <= 2
