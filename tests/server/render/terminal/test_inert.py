from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_server.render.inert import inert


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("PC-0001", "PC-0001"),
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("a\r\nb\tc\x00", "a\\x0d\\x0ab\\x09c\\x00"),
        ("\x9b31m", "\\x9b31m"),  # CSI in one byte
        ("gpj\u202eexe.", "gpj\\u202eexe."),  # right-to-left override
        ("\u2066a\u2069\u200f\u061c", "\\u2066a\\u2069\\u200f\\u061c"),
        ("a\u200bb\ufeff\u00ad", "a\\u200bb\\ufeff\\xad"),  # nothing to see
        ("a\u00a0b\u2003c", "a\\xa0b\\u2003c"),  # spaces that are not the space
        ("x\u2028y\u2029z", "x\\u2028y\\u2029z"),
        ("☂\ufe0f", "☂\\ufe0f"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),  # a tag: invisible text
        ("[/foo][bold]", "[/foo][bold]"),  # markup is only text here
        ("信息科　一楼", "信息科　一楼"),
        ("བོད་ལྗོངས", "བོད་ལྗོངས"),  # Tibetan stacks signs, and stays readable
        ("ئۇيغۇر", "ئۇيغۇر"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 3 + "\\u0301" * 6),
        ("\u0301a", "\\u0301a"),  # nothing to stand on
        (17, "17"),
        (None, "None"),
    ],
)
def test_what_acts_or_hides_is_spelt_out_and_the_rest_stays(given: object, shown: str) -> None:
    assert inert(given) == shown


@given(st.text())
def test_the_outcome_is_printable_encodable_and_stays_as_it_is(text: str) -> None:
    once = inert(text)
    assert once.replace("\u3000", " ").isprintable()
    once.encode("utf-8")
    assert inert(once) == once
