"""Regular expressions that take linear time on any text, whatever the pattern.

Python's ``re`` searches by trial and error: ``(a+)+$`` doubles its time with every letter of the text, and both the
pattern (a policy) and the text (a PC) can be hostile. Here a pattern becomes an automaton that looks at every letter
once, so there is nothing to blow up. What only trial and error can do (back-references, look-around) is refused, as is
everything outside the subset that Sigma allows: ``. ^ $ * + ? {n,m}``, classes, alternation, groups.
"""

from __future__ import annotations

from collections.abc import Iterable

from muster_server.judge.pattern_syntax import Letter, Node, Parser, PatternError

__all__ = ["LONGEST_TEXT", "Pattern", "PatternError"]

LONGEST_TEXT = 4096  # characters of a fact that are looked at; a longer one is not judged
LONGEST_PATTERN = 500
MOST_STEPS = 10_000  # remembered steps of one pattern before it starts afresh


class Pattern:
    """A checked pattern. Raises :class:`PatternError` when it is refused.

    Everywhere the automaton can be at once is one integer: a bit for every letter it may read next, and two for
    having matched. So a step is arithmetic, and equal steps are remembered.
    """

    def __init__(self, pattern: str, ignore_case: bool = False) -> None:
        if len(pattern) > LONGEST_PATTERN:
            raise PatternError("too_complex", LONGEST_PATTERN)
        parser = Parser(pattern, ignore_case)
        build = parser.alternation()
        if parser.at < len(pattern):
            raise PatternError("not_opened", parser.at)
        begin = build(Node("match"))
        self._letters = _letters([begin])
        bits = {node: 1 << index for index, node in enumerate(self._letters)}
        self._matched = 1 << len(bits)
        self._matched_at_end = 2 << len(bits)
        self._follow = [self._reach(node.next, bits, at_start=False) for node in self._letters]
        self._first = self._reach([begin], bits, at_start=True)
        self._again = self._reach([begin], bits, at_start=False)  # a match may begin at any letter
        self._kinds: dict[Letter, int] = {}  # each way to read a letter, with the bits of all that read so
        for node, bit in bits.items():
            if node.letter is not None:
                self._kinds[node.letter] = self._kinds.get(node.letter, 0) | bit
        self._steps: dict[tuple[int, int], int] = {}  # by state and by what reads the letter
        self._readers: dict[str, int] = {}  # by letter of a text: the bits of the letters of the pattern that read it

    def _reach(self, nodes: list[Node], bits: dict[Node, int], at_start: bool) -> int:
        """The bits that can be reached from ``nodes`` without reading anything."""
        reached = 0
        for at_end in (False, True):
            for node in _closure(nodes, at_start, at_end):
                if node.kind == "match":
                    reached |= self._matched_at_end if at_end else self._matched
                elif node.kind == "letter" and not at_end:
                    reached |= bits[node]
        return reached

    def found_in(self, text: str) -> bool:
        """Whether the pattern matches anywhere in ``text``, of which ``LONGEST_TEXT`` characters are looked at."""
        state = self._first
        for letter in text[:LONGEST_TEXT]:
            if state & self._matched:
                return True
            readers = self._readers.get(letter)
            if readers is None:
                readers = self._readers_of(letter)
            after = self._steps.get((state, readers))
            state = self._step(state, readers) if after is None else after
        return bool(state & (self._matched | self._matched_at_end))

    def _readers_of(self, letter: str) -> int:
        if len(self._readers) > MOST_STEPS:
            self._readers.clear()
        readers = self._readers[letter] = sum(bits for reads, bits in self._kinds.items() if reads(letter))
        return readers

    def _step(self, state: int, readers: int) -> int:
        if len(self._steps) > MOST_STEPS:
            self._steps.clear()
        after, reading = self._again, state & readers
        while reading:
            lowest = reading & -reading
            after |= self._follow[lowest.bit_length() - 1]
            reading ^= lowest
        self._steps[state, readers] = after
        return after


def _closure(nodes: Iterable[Node], at_start: bool, at_end: bool) -> set[Node]:
    """What can be reached from ``nodes`` through forks, and through the anchors that hold here."""
    seen: set[Node] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            if node.kind == "fork" or (node.kind == "start" and at_start) or (node.kind == "end" and at_end):
                waiting.extend(node.next)
    return seen


def _letters(begin: list[Node]) -> list[Node]:
    """Every letter of the automaton."""
    seen: set[Node] = set()
    waiting = list(begin)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(node.next)
    return [node for node in seen if node.kind == "letter"]
