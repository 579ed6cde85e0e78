"""Regular expressions: the same answers as Python's re, in linear time, and what is refused."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_server.judge.patterns import LONGEST_TEXT, Pattern, PatternError

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\d", "c", r"\.", "[a-c1]", "A"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeats = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "+?"])
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, repeats).map(lambda pair: f"({pair[0]}){pair[1]}"),
        inner.map(lambda one: f"^{one}"),
        inner.map(lambda one: f"{one}$"),
    )


PATTERNS = st.recursive(ATOMS, _grown, max_leaves=8)


@given(PATTERNS, st.text("abcA1.", max_size=9), st.booleans())
@settings(max_examples=400, deadline=None)
def test_answers_as_pythons_re_does(pattern: str, text: str, ignore_case: bool) -> None:
    expected = re.search(pattern, text, re.IGNORECASE if ignore_case else 0) is not None
    assert Pattern(pattern, ignore_case).found_in(text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^8\\.0\\.\\d+$", "8.0.5", True),
        ("^8\\.0\\.\\d+$", "8x0.5", False),
        ("杀毒|防病毒", "统信防病毒软件", True),
        ("[\\]x]", "]", True),
        ("[]]", "]", True),
        ("a{0}b", "b", True),
        ("^$", "", True),
        ("^$", "x", False),
        ("a$", "ab", False),
        (".", "\n", False),
        ("\\$\\(", "$(", True),
    ],
)
def test_the_subset(pattern: str, text: str, found: bool) -> None:
    assert Pattern(pattern).found_in(text) is found


@pytest.mark.parametrize(
    ("pattern", "text"),
    [  # security.md B55, and the families of catastrophic patterns that are known
        ("(a+)+$", "a" * (LONGEST_TEXT - 1) + "!"),
        ("(x+x+)+y", "x" * LONGEST_TEXT),
        ("(a|aa)+$", "a" * (LONGEST_TEXT - 1) + "!"),
        ("(a|a?)+$", "a" * (LONGEST_TEXT - 1) + "!"),
        ("(.*a){20}$", "a" * (LONGEST_TEXT - 1) + "!"),
        ("a*a*a*a*a*b", "a" * LONGEST_TEXT),
        (".*foo.*bar.*baz", "foo" * (LONGEST_TEXT // 3)),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * LONGEST_TEXT),
        ("(a|b)*a(a|b){60}c", "ab" * (LONGEST_TEXT // 2)),
        ("(\\w+\\s?)*$", "a " * (LONGEST_TEXT // 2) + "!"),
    ],
)
def test_B55_a_catastrophic_pattern_costs_nothing(pattern: str, text: str) -> None:
    compiled = Pattern(pattern)
    began = time.process_time()
    compiled.found_in(text)
    assert time.process_time() - began < 0.5  # 0.05 on the reference PC; re takes longer than anyone lives


def test_B56_of_a_fact_of_200_kilobytes_a_bounded_part_is_looked_at() -> None:
    compiled = Pattern("(a+)+b$")
    began = time.process_time()
    assert not compiled.found_in("a" * 200_000 + "b")  # the end lies beyond what is looked at
    assert time.process_time() - began < 0.5


def test_the_cost_grows_with_the_text_and_no_faster() -> None:
    def cost(length: int) -> int:
        compiled = Pattern("(a+)+$")
        compiled.found_in("a" * length + "!")
        return len(compiled._steps)

    assert cost(4000) == cost(40)  # the remembered steps do not depend on the text's length


def test_memory_is_bounded_when_every_letter_is_new() -> None:
    compiled = Pattern("(.*,){20}x")
    for start in range(0, 40_000, 4000):
        compiled.found_in("".join(chr(0x4E00 + start + at) for at in range(4000)))
    assert len(compiled._steps) <= 10_001


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("(a)\\1", "back_reference"),
        ("(?=a)", "look_around"),
        ("(?!a)", "look_around"),
        ("(?<=a)b", "look_around"),
        ("(?i)a", "group_kind"),
        ("(?P<n>a)", "group_kind"),
        ("(?>a)", "group_kind"),
        ("\\b", "bad_escape"),
        ("a\\", "bad_escape"),
        ("a**", "repeat_twice"),
        ("a++", "repeat_twice"),
        ("*a", "nothing_to_repeat"),
        ("^*", "nothing_to_repeat"),
        ("a|*", "nothing_to_repeat"),
        ("a{x}", "bad_repeat"),
        ("a{3,2}", "bad_repeat"),
        ("a{2", "bad_repeat"),
        ("a{,3}", "bad_repeat"),
        ("[a", "not_closed"),
        ("[b-a]", "bad_class"),
        ("[a-\\d]", "bad_class"),
        ("[[:alpha:]]", "bad_class"),
        ("(a", "not_closed"),
        ("a)", "not_opened"),
        ("a{999}", "too_complex"),
        ("((a{20}){20}){20}", "too_complex"),
        ("(((){999}){999}){999}", "too_complex"),
        ("(" * 30 + ")" * 30, "too_complex"),
        ("a" * 600, "too_complex"),
    ],
)
def test_refused(pattern: str, code: str) -> None:
    with pytest.raises(PatternError) as caught:
        Pattern(pattern)
    assert caught.value.code == code
