"""What click and argparse say by themselves is worded too: a new sentence of theirs must not slip in unseen."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from muster_server.cli.frame import MODULES
from muster_server.words import entries

# Sentences for prompts, colours, editors and files opened by click: no command of ours uses those.
UNUSED = ("Confirm", "Do you want", "Press any key", "Repeat for", "Unknown color", "The two entered", "invalid input")
UNUSED = (*UNUSED, "Could not open", "defined twice", "must be an iterable", "Choice(", "Choose from", "(dynamic)")
UNUSED = (*UNUSED, "format", "values", "UUID", "is not executable", "is not readable", "is not writable", "start char")
UNUSED = (
    *UNUSED,
    "declaration",
    "options defined",
    "Boolean option",
    "{nargs}",
    "deprecated",
    "DEPRECATED",
    "unknown error",
    "Positional",
    "param_name",
    "param_type",
    "2 values",
)


def sentences(module: Any) -> Iterator[str]:
    """Every text a module of click hands to gettext."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
            for argument in node.args[: 2 if node.func.id == "ngettext" else 1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_sentence_a_user_can_meet_is_worded(module: Any) -> None:
    known = entries()
    missing = [
        said
        for said in sentences(module)
        if "frame." + said not in known and not any(word in said for word in UNUSED) and any(map(str.isalpha, said))
    ]
    assert not missing
