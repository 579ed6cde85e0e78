"""What docs/threat-model.md says is held by a test is held by a test that exists, and every lesson has one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
NAMED = re.compile(r"(tests/[\w/.-]+\.py)::(test_\w+)")
FILES = re.compile(r"(?<![\w/])((?:tests|agent|server|docs|deploy)/[\w/.-]+\.\w+)")
LESSON = re.compile(r"^\| (L[0-9]+) \| (.+) \| (.+) \|$", re.MULTILINE)
FIX = re.compile(r"^\| (20[0-9-]+) \| (.+) \| (.+) \|$", re.MULTILINE)


@cache
def functions_of(path: str) -> frozenset[str]:
    """The names of the tests in a file; none when it is not there."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, kinds))


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in named if name not in functions_of(path)] == []


def test_every_file_that_is_named_exists() -> None:
    assert [path for path in FILES.findall(TEXT) if not (ROOT / path).exists()] == []


def test_every_lesson_has_a_row_and_every_row_a_test() -> None:
    rows = LESSON.findall(TEXT)
    assert [number for number, _, _ in rows] == [f"L{n}" for n in range(1, 20)]
    for number, went_wrong, held in rows:
        assert len(went_wrong) > 20, number
        assert NAMED.search(held) or number == "L19", number


def test_L19_every_security_fix_names_the_test_that_failed_before_it() -> None:
    rows = FIX.findall(TEXT)
    assert rows
    for day, what, held in rows:
        assert NAMED.search(held), (day, what)
