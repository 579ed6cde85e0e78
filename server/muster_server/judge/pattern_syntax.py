"""The syntax of regular expressions: text in, the nodes of an automaton out.

PatternError
    The pattern is refused; says why and at which letter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MOST_NODES = 300  # once {n,m} is written out: bounds the time that one letter of the text can cost
DEEPEST_GROUP = 20

Letter = Callable[[str], bool]


class PatternError(ValueError):
    """``code`` is a key under ``policy.pattern.``; ``position`` counts from 0."""

    def __init__(self, code: str, position: int) -> None:
        super().__init__(f"{code} at {position}")
        self.code = code
        self.position = position


_SHORTHANDS: dict[str, Letter] = {
    "d": str.isdecimal,
    "w": lambda letter: letter.isalnum() or letter == "_",
    "s": str.isspace,
    "D": lambda letter: not letter.isdecimal(),
    "W": lambda letter: not (letter.isalnum() or letter == "_"),
    "S": lambda letter: not letter.isspace(),
}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r"}


@dataclass(eq=False)
class Node:
    """A node of the automaton: a letter to read, a fork, an anchor, or the end."""

    kind: str  # letter, fork, start, end, match
    letter: Letter | None = None
    next: list[Node] = field(default_factory=list)


_Build = Callable[[Node], Node]  # given what follows, the node to begin with


class Parser:
    """Recursive descent; builds backwards, from what follows to what comes before."""

    def __init__(self, pattern: str, ignore_case: bool) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0
        self.nodes = 0
        self.ignore_case = ignore_case

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1 : self.at]

    def alternation(self) -> _Build:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.take()
            branches.append(self.sequence())
        if len(branches) == 1:
            return branches[0]
        return lambda after: self.count(Node("fork", next=[branch(after) for branch in branches]))

    def sequence(self) -> _Build:
        parts: list[_Build] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated())

        def build(after: Node) -> Node:
            for part in reversed(parts):
                after = part(after)
            return after

        return build

    def repeated(self) -> _Build:
        position = self.at
        anchor = self.peek() in "^$"
        atom = self.atom()
        if self.peek() not in ("*", "+", "?", "{"):
            return atom
        if anchor:
            raise PatternError("nothing_to_repeat", position)
        least, most = self.bounds()
        if self.peek() == "?":  # lazy: it matches the same texts
            self.take()
        if self.peek() in ("*", "+", "?", "{") and self.peek():
            raise PatternError("repeat_twice", self.at)
        return lambda after: self.repeat(atom, least, most, after)

    def bounds(self) -> tuple[int, int | None]:
        position = self.at
        sign = self.take()
        if sign != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        inside, closed, _ = self.pattern[self.at :].partition("}")
        low, comma, high = inside.partition(",")
        numbers = all(len(part) <= 3 and (part == "" or (part.isascii() and part.isdigit())) for part in (low, high))
        if not closed or not numbers or not low:
            raise PatternError("bad_repeat", position)
        self.at += len(inside) + 1
        least = int(low)
        most = least if not comma else int(high) if high else None
        if most is not None and most < least:
            raise PatternError("bad_repeat", position)
        return least, most

    def repeat(self, atom: _Build, least: int, most: int | None, after: Node) -> Node:
        if most is None:
            loop = self.count(Node("fork"))
            loop.next = [atom(loop), after]
            after = loop
        else:
            end = after
            for _ in range(most - least):
                after = self.count(Node("fork", next=[atom(after), end]))
        for _ in range(least):
            after = self.count(Node("fork", next=[atom(after)]))  # counted, so that nothing repeats nothing for ever
        return after

    def atom(self) -> _Build:
        position = self.at
        sign = self.take()
        if sign == "(":
            return self.group(position)
        if sign == "[":
            return self.reads(self.letters(position))
        if sign == ".":
            return self.reads(lambda letter: letter != "\n")
        if sign == "^":
            return lambda after: self.count(Node("start", next=[after]))
        if sign == "$":
            return lambda after: self.count(Node("end", next=[after]))
        if sign == "\\":
            found = self.escape(position)
            return self.reads(found if callable(found) else self.same(found))
        if sign in "*+?{":
            raise PatternError("nothing_to_repeat", position)
        return self.reads(self.same(sign))

    def group(self, position: int) -> _Build:
        if self.peek() == "?":
            if self.pattern[self.at : self.at + 2] != "?:":
                looks = self.pattern[self.at : self.at + 3]
                around = looks.startswith(("?=", "?!", "?<=", "?<!"))
                raise PatternError("look_around" if around else "group_kind", position)
            self.at += 2
        self.depth += 1
        if self.depth > DEEPEST_GROUP:
            raise PatternError("too_complex", position)
        inner = self.alternation()
        self.depth -= 1
        if self.take() != ")":
            raise PatternError("not_closed", position)
        return inner

    def escape(self, position: int) -> Letter | str:
        sign = self.take()
        if sign in _SHORTHANDS:
            return _SHORTHANDS[sign]
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign.isdigit():
            raise PatternError("back_reference", position)
        if not sign or sign.isalnum():
            raise PatternError("bad_escape", position)
        return sign

    def letters(self, position: int) -> Letter:
        """A class in brackets."""
        negated = self.peek() == "^"
        if negated:
            self.take()
        members: list[Letter] = []
        first = True
        while first or self.peek() != "]":
            first = False
            sign = self.take()
            if not sign or sign == "[":
                raise PatternError("not_closed" if not sign else "bad_class", position)
            low: Letter | str = self.escape(self.at - 1) if sign == "\\" else sign
            if callable(low):
                members.append(low)
                continue
            high = low
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.take()
                sign = self.take()
                end: Letter | str = self.escape(self.at - 1) if sign == "\\" else sign
                if callable(end) or end < low:
                    raise PatternError("bad_class", position)
                high = end
            members.append(self.between(low, high))
        self.take()
        return lambda letter: any(member(letter) for member in members) is not negated

    def same(self, wanted: str) -> Letter:
        return self.between(wanted, wanted)

    def between(self, low: str, high: str) -> Letter:
        if not self.ignore_case:
            return lambda letter: low <= letter <= high
        return lambda letter: low <= letter <= high or low <= letter.lower() <= high or low <= letter.upper() <= high

    def reads(self, letter: Letter) -> _Build:
        return lambda after: self.count(Node("letter", letter, [after]))

    def count(self, node: Node) -> Node:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise PatternError("too_complex", 0)
        return node
