"""The palette can be read by everybody: contrast computed from the style sheet, for light and dark (WCAG 2.2)."""

from __future__ import annotations

import re

import pytest

from muster_server.render.html.style import content_policy, quoted, stylesheet
from muster_server.resources import bundled

TEXT, GRAPHIC = 5.5, 3.0  # our floor for text (reports.md §3.10; AA asks 4.5), and AA's for graphics
PAIRS = [
    ("ink", "paper", TEXT),
    ("ink", "warn-tint", TEXT),
    ("muted", "paper", TEXT),
    ("link", "paper", TEXT),
    ("good", "paper", TEXT),
    ("paper", "good", TEXT),
    ("bad", "paper", TEXT),
    ("paper", "bad", TEXT),
    ("doubt", "warn-tint", TEXT),
    ("bad-fill", "paper", GRAPHIC),
    ("good", "paper", GRAPHIC),
    ("doubt", "paper", GRAPHIC),
    ("quiet", "paper", GRAPHIC),
    ("good", "good-fill", GRAPHIC),
]


def palettes() -> dict[str, dict[str, str]]:
    sheet = bundled("reports").joinpath("styles", "month.css").read_text("utf-8")
    light, dark, *_ = re.findall(r":root \{([^}]*--[^}]*)\}", sheet)
    colours = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")
    first = dict(colours.findall(light))
    second = dict(colours.findall(dark))
    assert first.keys() == second.keys()
    return {"light": first, "dark": second}


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_contrast(mode: str, front: str, back: str, least: float) -> None:
    palette = palettes()[mode]
    assert contrast(palette[front], palette[back]) >= least


def test_the_two_solid_fills_differ_in_grey() -> None:
    for mode, palette in palettes().items():
        assert contrast(palette["good-fill"], palette["bad-fill"]) >= (3 if mode == "light" else 1.5), mode


def test_every_colour_comes_from_the_palette() -> None:
    sheet = bundled("reports").joinpath("styles", "month.css").read_text("utf-8")
    rules = re.sub(r"--[a-z-]+: #[0-9a-f]{6};", "", sheet)
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?!\))", rules.replace("url(#dots)", ""))
    assert set(re.findall(r"var\(--([a-z-]+)\)", rules)) <= palettes()["light"].keys()


def test_the_colour_of_every_bar_and_the_page_for_print_are_in_the_sheet() -> None:
    sheet = bundled("reports").joinpath("styles", "month.css").read_text("utf-8")
    for needed in ("size: A4", "counter(page)", "counter(pages)", "table-header-group", "break-inside: avoid"):
        assert needed in sheet
    assert "@media screen and (prefers-color-scheme: dark)" in sheet


@pytest.mark.parametrize("wicked", ['"', "\\", "</style>", "a\nb", "\u202e", "}", "*/"])
def test_no_text_ends_a_css_string(wicked: str) -> None:
    inside = quoted(f"x{wicked}y")[1:-1]
    assert re.fullmatch(r"(?:[^\W_]| |\\[0-9a-f]+ )*", inside)
    assert re.sub(r"\\([0-9a-f]+) ", lambda code: chr(int(code[1], 16)), inside) == f"x{wicked}y"


def test_a_place_without_a_text_is_an_error() -> None:
    with pytest.raises(KeyError):
        stylesheet({})


def test_the_policy_allows_one_sheet_and_no_more() -> None:
    policy = content_policy("a{}")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script-src" not in policy
