"""Nothing that matters is ever cut, and nothing is ever too wide, whatever a PC calls itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from muster_server.render.inert import inert

NAMES = st.text(min_size=1, max_size=40) | st.sampled_from(["科" * 30, "P" * 200, "\x1b[2J", "[/foo]", "PC\u202e1"])
WIDTHS = st.integers(59, 250)
LANGS = st.sampled_from(["zh", "en"])


def squeezed(text: str) -> str:
    """Without white space: a name too long for any line stands on several."""
    return re.sub(r"\s", "", text)


def must_stand(lines: list[str], width: int, expected: list[str]) -> None:
    """Nothing is wider than the screen allows, nothing steers it, and the expected texts all stand there whole."""
    assert max(map(cell_len, lines)) <= width - 1
    assert not [line for line in lines if not line.isprintable()]
    printed = squeezed("".join(lines))
    for text in expected:
        assert squeezed(text) in printed


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), WIDTHS, LANGS)
@example(["P" * 200, "a"], 59, "zh")
@example(["{0.__class__}%s%n\\"], 80, "en")
def test_host_and_verdict_stand_on_every_row(
    offices: Any, draw: Callable[..., list[str]], names: list[str], width: int, lang: str
) -> None:
    tally = offices.named(names)
    verdict = {"zh": "x 不合规", "en": "x FAIL"}[lang]
    lines = draw("office", tally, width, lang)
    must_stand(lines, width, [inert(name) for name in names])
    assert squeezed("".join(lines)).count(squeezed(verdict)) >= len(names) + 1  # one more in the table of states
    if all(cell_len(inert(name)) < 20 for name in names) and not any(re.search(r"\s", inert(n)) for n in names):
        for name in names:
            assert [line for line in lines if line.startswith(inert(name) + " ") and verdict in line]


@given(NAMES, WIDTHS, LANGS)
def test_one_pc_is_shown_whole(offices: Any, draw: Callable[..., list[str]], name: str, width: int, lang: str) -> None:
    tally = offices.named([name])
    expected = [
        inert(name),
        "AV-001",
        "PA-001",
        "2026-10-21" if width >= 60 else "",
        {"zh": "x 不通过", "en": "x FAIL"}[lang],
    ]
    must_stand(draw("pc", tally, width, lang, everything=True), width, expected)


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), WIDTHS, LANGS)
def test_a_rule_names_every_pc_it_fails_on(
    offices: Any, draw: Callable[..., list[str]], names: list[str], width: int, lang: str
) -> None:
    tally = offices.named(names)
    must_stand(draw("rule", tally, width, lang), width, [inert(name) for name in names])


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", range(59, 251))
@pytest.mark.parametrize("view", ["office", "pc", "rule"])
def test_a_real_office_fits_every_screen(
    offices: Any, draw: Callable[..., list[str]], view: str, width: int, lang: str
) -> None:
    tally = offices.bureau()
    must_stand(draw(view, tally, width, lang, everything=True), width, [])


def test_numbers_dates_and_rule_ids_are_never_cut(offices: Any, draw: Callable[..., list[str]]) -> None:
    tally = offices.bureau()
    for width in range(59, 251):
        for view in ("office", "pc", "rule"):
            for line in draw(view, tally, width, "en"):
                assert not re.search(r"\d\.\.(?!\d)", line), line


def test_a_list_cut_short_says_so_and_all_shows_everything(offices: Any, draw: Callable[..., list[str]]) -> None:
    tally = offices.bureau()
    assert "5 of 20 shown; --limit 0 shows all" in draw("office", tally, lang="en")
    for how in ({"limit": 0}, {"everything": True}):
        lines = draw("office", tally, lang="en", **how)
        assert not [line for line in lines if "shown" in line]
        assert not [pc.pc.name for pc in tally.pcs if pc.items and not any(pc.pc.name in line for line in lines)]


def test_one_outrageous_name_costs_the_others_nothing_but_the_table(
    offices: Any, draw: Callable[..., list[str]]
) -> None:
    lines = draw("office", offices.named(["P" * 200, "PC-1"]), 80, "zh")
    assert [line for line in lines if line.startswith("PC-1  x 不合规")]
