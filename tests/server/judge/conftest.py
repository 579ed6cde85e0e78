"""Policies written in a test, and PCs to judge by them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from muster_agent.facts import Table
from muster_server.document.mistakes import PolicyError
from muster_server.judge.judging import judge
from muster_server.judge.policies import load_policy
from muster_server.judge.policy import Policy
from muster_server.judge.tables import ALL
from muster_server.judge.verdict import Verdict
from muster_server.subject import PC, Subject
from muster_server.words import Words

AS_OF = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HEAD = "policy: test\ntitle: {zh: 测试, en: Test}\nversion: '1'\n"
LANGUAGES = "title: {zh: 题, en: Title}, fix: {zh: 改, en: Mend}, severity: high"


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Write a policy file; the head is put before a text that begins with rules or values."""

    def write(text: str, name: str = "test.yaml") -> Path:
        text = textwrap.dedent(text)
        path = tmp_path / name
        path.write_text(text if text.startswith("policy:") else HEAD + text, "utf-8")
        return path

    return write


@pytest.fixture
def one_rule(written: Callable[..., Path]) -> Callable[..., Policy]:
    """A policy of the single rule R-1 with these parts."""

    def load(parts: str, values: str = "") -> Policy:
        head = f"values: {values}\n" if values else ""
        return load_policy(written(f"{head}rules:\n  R-1: {{{LANGUAGES}, {parts}}}\n"))

    return load


@pytest.fixture
def mistakes(written: Callable[..., Path]) -> Callable[..., list[str]]:
    """The codes of the mistakes in a single rule with these parts, as ``code`` or ``code→near``."""

    def find(parts: str, values: str = "") -> list[str]:
        head = f"values: {values}\n" if values else ""
        with pytest.raises(PolicyError) as caught:
            load_policy(written(f"{head}rules:\n  R-1: {{{LANGUAGES}, {parts}}}\n"))
        for mistake in caught.value.mistakes:  # every mistake can be said in both languages
            assert mistake.text(Words("zh")) != mistake.text(Words("en"))
        return [mistake.code + (f"→{mistake.near}" if mistake.near else "") for mistake in caught.value.mistakes]

    return find


@pytest.fixture
def rows() -> Callable[..., Table]:
    """A collected table of those rows."""

    def collected(table: str, *values: dict[str, Any]) -> Table:
        return Table(rows=tuple(ALL[table](**value) for value in values))

    return collected


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """The verdict of the only rule of a policy on those tables."""

    def judged(policy: Policy, as_of: datetime = AS_OF, **tables: Table) -> Verdict:
        pc = PC("id", "PC-1", "unit", (), as_of, as_of)
        (found,) = judge(policy, Subject(pc, tables), as_of)
        return found

    return judged
