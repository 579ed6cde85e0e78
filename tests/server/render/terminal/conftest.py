"""Screens to print on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from muster_server.render.terminal import office, pc, rule
from muster_server.render.terminal.screen import Screen
from muster_server.tally import Tally
from muster_server.words import Words

VIEWS: dict[str, Callable[[Tally, Screen], list[str]]] = {
    "office": office.lines,
    "pc": lambda tally, screen: pc.lines(tally, tally.pcs[0], screen),
    "rule": lambda tally, screen: rule.lines(tally, tally.rules[0], screen),
}


@pytest.fixture(scope="session")
def draw() -> Callable[..., list[str]]:
    """Draw a view of a tally: ``draw("office", tally, 80, "zh")``."""

    def draw(view: str, tally: Tally, columns: int = 80, lang: str = "zh", **screen: Any) -> list[str]:
        return VIEWS[view](tally, Screen(Words(lang), columns, **screen))

    return draw
