"""Every view as it is printed, kept beside this file.

After a wanted change, write them anew with MUSTER_UPDATE=1 and read the difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muster_server.tally import State, Tally

GOLDEN = Path(__file__).parent / "golden"
WIDTHS = (59, 80, 120, 200)


def views(offices: Any) -> dict[str, tuple[str, Tally, dict[str, Any]]]:
    """View by golden name: what is drawn, of which numbers, and how."""
    bureau = offices.bureau()

    def beginning_with(state: State) -> Tally:
        from dataclasses import replace

        return replace(bureau, pcs=tuple(sorted(bureau.pcs, key=lambda pc: pc.state is not state)))

    never = offices.tally([offices.judged("1", reported=None), offices.judged("2", reported=None)])
    return {
        "office": ("office", bureau, {}),
        "office-spotless": ("office", offices.spotless(), {}),
        "office-no-pc": ("office", offices.tally([]), {}),
        "office-no-report": ("office", never, {}),
        "office-no-policy": ("office", offices.tally([offices.judged("1")], rules=[]), {}),
        "pc-failing": ("pc", bureau, {}),
        "pc-silent": ("pc", beginning_with(State.SILENT), {}),
        "pc-unknown-all": ("pc", beginning_with(State.UNKNOWN), {"everything": True}),
        "pc-compliant": ("pc", beginning_with(State.COMPLIANT), {}),
        "pc-never": ("pc", never, {}),
        "rule": ("rule", bureau, {}),
        "rule-clean": ("rule", offices.spotless(), {}),
    }


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_view_is_printed_as_it_was_agreed(
    offices: Any, draw: Callable[..., list[str]], width: int, lang: str
) -> None:
    wrong = []
    for name, (view, tally, how) in views(offices).items():
        text = "\n".join(draw(view, tally, width, lang, **how)) + "\n"
        path = GOLDEN / f"{name}-{width}-{lang}.txt"
        if os.environ.get("MUSTER_UPDATE"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        if not path.is_file() or path.read_text("utf-8") != text:
            wrong.append(path.name)
    assert not wrong, f"differs from golden: {', '.join(wrong)} (MUSTER_UPDATE=1 writes them anew)"


def test_every_golden_file_is_still_printed(offices: Any) -> None:
    expected = {f"{name}-{width}-{lang}.txt" for name in views(offices) for width in WIDTHS for lang in ("zh", "en")}
    assert {path.name for path in GOLDEN.iterdir()} == expected
