"""Whatever the door to Windows and macOS cannot read has its reason in both languages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from muster_agent.words import Words

AGENT = Path(__file__).resolve().parents[4] / "agent" / "muster_agent"
DOOR = [
    *(AGENT / "local").rglob("*.py"),
    *(AGENT / "system" / name for name in ("windows_answer.py", "registry_setting.py")),
    AGENT / "machine.py",
]


def codes(tree: ast.AST) -> Iterator[str]:
    """The codes in CannotRead("code", …) and Problem("status", "code", …)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            at = {"CannotRead": 0, "Problem": 1}.get(node.func.id)
            if at is not None and len(node.args) > at:
                yield from (
                    leaf.value
                    for leaf in ast.walk(node.args[at])
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
                )


def test_every_code_is_worded() -> None:
    used = {(path.name, code) for path in DOOR for code in codes(ast.parse(path.read_text("utf-8")))}
    assert {code for _, code in used} >= {"api_failed", "in_use", "no_psutil", "no_powershell", "owner_gone"}
    for language in ("zh", "en"):
        words = Words(language)
        assert {entry for entry in used if not words.has("reason." + entry[1])} == set(), language
