"""No regular expression of the agent takes time that grows faster than the text: a line of a megabyte is one line.

Every repetition in every expression is fed what it repeats, five thousand times over, behind a text that leads to it,
and before one that makes it fail.
"""

from __future__ import annotations

import ast
import functools
import importlib
import re
import re._constants as codes
import re._parser as parser
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

AGENT = Path(__file__).resolve().parents[3] / "agent" / "muster_agent"
METHODS = ("match", "search", "fullmatch", "findall", "finditer", "sub", "split")
REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)
TRIED = ' a0=:"-.[(\\,\t/\n'  # characters that meet many repetitions
LENGTH = 5000  # characters
SLOW = 0.008  # seconds; what is linear needs less than one thousandth


class Used(NamedTuple):
    """An expression and how it is used."""

    module: str
    name: str
    pattern: re.Pattern[Any]
    method: str


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the agent but the one that needs psutil and those that are programs."""
    for path in sorted(AGENT.rglob("*.py")):
        if path.stem not in ("__main__", "psutil_listing"):
            name = ".".join(path.relative_to(AGENT.parent).with_suffix("").parts).removesuffix(".__init__")
            yield name, path


@functools.cache
def sources() -> dict[str, str]:
    """The text of every module."""
    return {name: path.read_text("utf-8") for name, path in modules()}


def found_in(value: Any) -> Iterator[re.Pattern[Any]]:
    """The compiled expressions in the value of a constant."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from found_in(one)


def methods(module: str, constant: str) -> list[str]:
    """How a constant is used: in its own module by its name, elsewhere behind its module's."""
    plain, dotted = rf"\b{constant}\.({'|'.join(METHODS)})\b", rf"\b{module.rpartition('.')[2]}\.{constant}\.(\w+)\b"
    found = set(re.findall(plain, sources()[module]))
    found |= {word for text in sources().values() for word in re.findall(dotted, text)}
    return sorted(found & set(METHODS)) or ["match"]


def used() -> Iterator[Used]:
    """Every expression of the agent."""
    for module, _ in modules():
        for constant, value in vars(importlib.import_module(module)).items():
            if re.search(rf"^{re.escape(constant)}\b.*=", sources()[module], re.MULTILINE):
                for pattern in found_in(value):
                    for method in methods(module, constant):
                        yield Used(module, constant, pattern, method)
        for node in ast.walk(ast.parse(sources()[module])):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            said, method = node.args[0], node.func.attr
            if ast.unparse(node.func.value) == "re" and method in METHODS and isinstance(said, ast.Constant):
                flags = sum(getattr(re, flag) for flag in set(re.findall(r"\bre\.([A-Z]+)\b", ast.unparse(node))))
                yield Used(module, f"line {node.lineno}", re.compile(str(said.value), flags), method)


def one(code: Any, argument: Any) -> str:
    """A text that an item of an expression matches."""
    if code is codes.LITERAL:
        return chr(argument)
    if code in (codes.ANY, codes.NOT_LITERAL, codes.IN):
        return next((character for character in "a0 -:./" if takes(code, argument, character)), "z")
    if code is codes.BRANCH:
        return text_of(argument[1][0])
    if code is codes.SUBPATTERN:
        return text_of(argument[3])
    return text_of(argument[2]) * argument[0] if code in REPEATS else ""


def text_of(items: Any) -> str:
    """A text that these items match."""
    return "".join(one(*item) for item in items)


def takes(code: Any, argument: Any, character: str) -> bool:
    """Whether an item of one character matches ``character``."""
    if code is codes.ANY:
        return character != "\n"
    if code in (codes.LITERAL, codes.NOT_LITERAL):
        return (chr(argument) == character) is (code is codes.LITERAL)
    kinds = {
        "DIGIT": character.isdigit(),
        "SPACE": character.isspace(),
        "WORD": character.isalnum() or character == "_",
    }
    negated = found = False
    for kind, value in argument if code is codes.IN else ():
        negated |= kind is codes.NEGATE
        if kind is codes.LITERAL:
            found |= chr(value) == character
        elif kind is codes.RANGE:
            found |= value[0] <= ord(character) <= value[1]
        elif kind is codes.CATEGORY:
            word = str(value).removeprefix("CATEGORY_")
            found |= kinds[word.removeprefix("NOT_")] is not word.startswith("NOT_")
    return found is not negated


def pumps(items: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """(a text that leads to a repetition, what it repeats) of every repetition without a small bound."""
    for code, argument in items:
        if code in REPEATS:
            body = list(argument[2])
            if argument[1] > 1000:
                single = len(body) == 1 and body[0][0] in (codes.IN, codes.ANY, codes.LITERAL, codes.NOT_LITERAL)
                pieces = {piece for piece in TRIED if single and takes(*body[0], piece)} | {text_of(body)}
                yield from ((before, piece) for piece in pieces | ({" a"} if " " in pieces else set()) if piece)
            yield from pumps(body, before)
        elif code is codes.SUBPATTERN:
            yield from pumps(argument[3], before)
        elif code is codes.BRANCH:
            for branch in argument[1]:
                yield from pumps(branch, before)
        before += one(code, argument)


def seconds(use: Used, text: str) -> float:
    """The time of the processor one use takes."""
    said: Any = text.encode("utf-8") if isinstance(use.pattern.pattern, bytes) else text
    ask = getattr(use.pattern, use.method)
    begun = time.process_time()
    list(ask(said)) if use.method == "finditer" else ask(said[:0], said) if use.method == "sub" else ask(said)
    return time.process_time() - begun


def texts(use: Used) -> Iterator[tuple[str, str, str]]:
    """(beginning, piece, end) of the texts to try it with."""
    source = use.pattern.pattern
    tree = list(
        parser.parse(source if isinstance(source, str) else source.decode("latin-1"), use.pattern.flags & ~re.U)
    )
    whole = text_of(tree)
    ends = ("\0", "!", "\n\0") if use.pattern.flags & re.MULTILINE else ("\0", "!")
    for before, piece in sorted({*pumps(tree), *(("", piece) for piece in [*' a0=:"\n', whole] if piece)}):
        for end in ends:
            yield before, piece, end


EVERY = list(used())


def test_they_are_all_found() -> None:
    names = {(use.module, use.name) for use in EVERY}
    assert len(names) > 250
    assert ("muster_agent.system.sshd", "KEYWORD") in names
    assert any(name.startswith("line ") for _, name in names)


def test_a_quadratic_one_would_be_noticed() -> None:
    assert is_slow(Used("", "bad", re.compile(r"(\S.*?)\s*$"), "match"), "a", " ", "\0")
    assert is_slow(Used("", "bad", re.compile(r"\s+x"), "search"), "", " ", "\0")
    assert not is_slow(Used("", "good", re.compile(r"\s+x"), "match"), "", " ", "\0")


def is_slow(use: Used, before: str, piece: str, end: str) -> bool:
    """Whether a text of twice the length takes much more than twice the time. One slow moment of this PC is none."""
    text = piece * (LENGTH // len(piece))
    if seconds(use, before + text[: LENGTH // 8] + end) < SLOW and seconds(use, before + text + end) < SLOW:
        return False
    short = min(seconds(use, before + text[: LENGTH // 2] + end) for _ in range(3))
    return min(seconds(use, before + text + end) for _ in range(3)) > max(2.8 * short, SLOW / 2)


@pytest.mark.parametrize("module", sorted({use.module for use in EVERY}))
def test_they_take_linear_time(module: str) -> None:
    for use in EVERY:
        if use.module == module:
            slow = [text for text in texts(use) if is_slow(use, *text)]
            assert slow == [], f"{use.name}.{use.method}: {use.pattern.pattern!r}"
