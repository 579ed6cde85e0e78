from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from muster_server.render.inert import inert
from muster_server.render.terminal.cells import Cell, Column, Row, bar, cut, fold, paint, spread, table


def plain(lines: list[tuple[Cell, ...]]) -> list[str]:
    return paint(lines, colour=False)


@given(st.text(max_size=80), st.integers(4, 60))
def test_what_is_cut_fits_and_says_that_it_was_cut(text: str, width: int) -> None:
    text = inert(text)
    short = cut(text, width)
    assert cell_len(short) <= width
    assert short == text or (short.endswith("..") and cell_len(text) > width)


def test_a_cut_never_leaves_half_a_number_or_half_a_date() -> None:
    assert cut("病毒库日期 2026-10-31 06:15", 20) == "病毒库日期.."
    assert cut("patched 2026-10-31", 14) == "patched.."
    assert cut("https://example.invalid/a/long/path", 12) == "https://ex.."  # the word is all there is


@given(st.text(max_size=200), st.integers(20, 80))
def test_folding_loses_nothing_but_white_space_and_is_never_too_wide(text: str, width: int) -> None:
    lines = plain(fold(text, width, "", "  a ", "    "))
    assert max(map(cell_len, lines)) <= width
    assert "".join("".join(lines).split()) == "a" + "".join(inert(text).split())


def test_no_line_begins_with_a_closing_mark() -> None:
    text = "启动防病毒软件（如火绒），并更新病毒库；随后重启。"
    for width in range(8, 40):
        for line in plain(fold(text, width)):
            assert line[0] not in "，；。）", (width, line)
            assert line[-1] != "（", (width, line)


def test_parts_stay_whole_where_a_line_can_hold_them() -> None:
    lines = plain(spread([Cell("one two"), Cell("three four"), Cell("five")], 12))
    assert lines == ["one two", "three four", "five"]


def test_bars_are_full_only_for_all_and_empty_only_for_none() -> None:
    assert bar(1000, 10) == "[##########]"
    assert bar(999, 10) == "[#########.]"
    assert bar(1, 10) == "[#.........]"
    assert bar(0, 10) == "[..........]"


def test_wide_columns_drop_out_before_anything_is_folded() -> None:
    columns = [Column("PC"), Column("Unit", at=60, cut=4), Column("Seen", at=100), Column("Why", cut=6, below=True)]
    row = Row([Cell("PC-1"), Cell("Finance department"), Cell("2026-11-24"), Cell("a long explanation of it")])
    assert plain(table(columns, [row], 200))[2] == "PC-1  Finance department  2026-11-24  a long explanation of it"
    assert plain(table(columns, [row], 60))[2] == "PC-1  Finance department  a long explanation of it"
    assert plain(table(columns, [row], 59))[2:] == ["PC-1", "  a long explanation of it"]


def test_a_record_too_wide_for_any_table_is_folded_and_not_cut() -> None:
    columns = [Column("PC"), Column("Result"), Column("Why", cut=6, below=True)]
    row = Row([Cell("P" * 90), Cell("x FAIL"), Cell("because")], [("Fix", "mend it")])
    lines = plain(table(columns, [row], 60))
    assert lines[0] == "P" * 59
    assert lines[1] == "  " + "P" * 31 + "  x FAIL"
    assert lines[2:] == ["  because", "  Fix  mend it"]
