"""The kinds of characters a password policy of macOS asks for, in the form Apple's own tools write: at least so many
characters of one kind, ``policyAttributePassword matches '(.*[0-9].*){1,}+'``."""

from __future__ import annotations

import re
import string

from muster_agent.machine import CannotRead

AT_LEAST = re.compile(
    r"policyAttributePassword matches '\^?"
    r"(?:\.\*\[([^\]\\]{1,60})\]\.\*|\(\.\*\[([^\]\\]{1,60})\]\.\*\)(?:\{([0-9]{1,3}),[0-9]{0,3}\})?\+?)"
    r"\$?'"
)
LETTERS, LOWER, UPPER, DIGITS, SYMBOLS = "letters", "lower case", "upper case", "digits", "symbols"
RANGES = {
    "0-9": DIGITS,
    "a-z": LOWER,
    "A-Z": UPPER,
    "a-zA-Z": LETTERS,
    "A-Za-z": LETTERS,
    **{"^" + said: SYMBOLS for said in ("a-zA-Z0-9", "A-Za-z0-9", "0-9a-zA-Z", "0-9A-Za-z")},
}
# A symbol by itself: "-" may make a range that holds letters, "^" may mean all others, a bracket opens an inner class,
# "&&" intersects, a quotation mark ends the predicate's text.
PLAIN = frozenset(string.punctuation) - frozenset("-^[]\\'")


def kinds(predicate: str) -> set[str]:
    """The kind of which at least one character is asked for; empty when none need be there. Raises
    ``not_understood`` for a predicate in any other form."""
    found = AT_LEAST.fullmatch(predicate)
    if found is None:
        raise CannotRead("not_understood", predicate[:200])
    said, least = found.group(1) or found.group(2), found.group(3)
    kind = RANGES.get(said) or (SYMBOLS if PLAIN.issuperset(said) and "&&" not in said else None)
    if kind is None:
        raise CannotRead("not_understood", predicate[:200])
    return set() if least and int(least) == 0 else {kind}


def count(asked: set[str]) -> int:
    """How many different kinds a password must have: a capital letter is a letter too."""
    return len(asked - {LETTERS}) if asked & {LOWER, UPPER} else len(asked)
