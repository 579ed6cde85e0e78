"""Scorecard 17: the longest that any regular expression within the limits takes on any text within the limits.

python tests/scorecard/patterns.py
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from muster_server.judge.patterns import LONGEST_PATTERN, LONGEST_TEXT, Pattern, PatternError

# Families that are known to blow up where a search is by trial and error, and the most states the limits allow.
PATTERNS = (
    "(a+)+$",
    "(x+x+)+y",
    "(a|aa)+$",
    "(a|a?)+$",
    "(.*a){20}$",
    "a*a*a*a*a*a*a*a*b",
    ".*foo.*bar.*baz",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(a|b)*a(a|b){60}c",
    r"(\w+\s?)*$",
    "(.*,){20}x",
    r"([\w.-]+@)*[\w-]+(\.[\w-]+)+$",
    "(.?){90}.{90}$",
    ".*" * 200 + "$",
    "(a|b|c|d|e|f|g|h)*" * 25 + "z",
)


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    worst_ms: float
    pattern: str
    measured: int
    refused: int  # patterns of the families that are refused when a policy is read


def texts(chance: random.Random) -> Iterator[str]:
    """Texts of the greatest length: of one letter, of few, of none twice."""
    yield "a" * (LONGEST_TEXT - 1) + "!"
    yield "ab" * (LONGEST_TEXT // 2)
    yield "foo" * (LONGEST_TEXT // 3)
    yield "".join(chance.choices("abcxyz @.,\n", k=LONGEST_TEXT))
    yield "".join(chr(0x4E00 + n) for n in range(LONGEST_TEXT))
    yield "".join(chr(chance.randrange(0x20, 0xD7FF)) for _ in range(LONGEST_TEXT))


def made_up(chance: random.Random, number: int) -> Iterator[str]:
    """Patterns at random within the limit of length."""
    pieces = ("a", "b", ".", r"\w", r"\d", "[a-m]", "(a|b)", "(.a)", "(a*b)", "x?")
    repeats = ("", "*", "+", "?", "{2,9}", "{20}")
    for _ in range(number):
        pattern = ""
        while len(pattern) < LONGEST_PATTERN - 12 and chance.random() > 0.02:
            pattern += chance.choice(pieces) + chance.choice(repeats)
        yield pattern


def run(patterns: int = 200, seed: int = 1) -> Figures:
    """Search every text with every pattern, each pattern fresh: nothing is remembered from the text before."""
    chance = random.Random(seed)
    worst, which, measured, refused = 0.0, "", 0, 0
    for pattern in (*PATTERNS, *made_up(chance, patterns)):
        for text in texts(chance):
            try:
                compiled = Pattern(pattern)
            except PatternError:
                refused += 1
                break
            began = time.process_time()
            compiled.found_in(text)
            spent = time.process_time() - began
            measured += 1
            if spent > worst:
                worst, which = spent, pattern
    return Figures(worst * 1000, which, measured, refused)


if __name__ == "__main__":
    print(run())
