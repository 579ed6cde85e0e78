"""Whoever asks a function of the system asks one that there is."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_agent.local.darwin import api as darwin
from muster_agent.local.windows import api as windows

AGENT = Path(__file__).resolve().parents[4] / "agent" / "muster_agent"


def named(tree: ast.AST) -> Iterator[str]:
    """The function names that stand in the first argument of ``….api("Name", …)``."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "api"
            and node.args
        ):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def test_collectors_ask_for_functions_there_are() -> None:
    known = {*windows.FUNCTIONS, *darwin.FUNCTIONS}
    asked = {(path.name, name) for path in AGENT.rglob("*.py") for name in named(ast.parse(path.read_text("utf-8")))}
    assert {entry for entry in asked if entry[1] not in known} == set()


@pytest.mark.parametrize(
    ("system", "name"),
    [
        *(("windows", name) for name in windows.FUNCTIONS),
        *(("darwin", name) for name in darwin.FUNCTIONS),
    ],
)
def test_every_function_has_its_module(system: str, name: str) -> None:
    functions = {"windows": windows, "darwin": darwin}[system].FUNCTIONS
    module, function = (cell.cell_contents for cell in functions[name].__closure__ or ())
    assert callable(getattr(importlib.import_module(f"muster_agent.local.{system}.{module}"), function))
