"""docs/policy-language.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from muster_server.judge.loading import QUANTIFIERS, RULE_KEYS, TOP_KEYS
from muster_server.judge.policies import load_policy
from muster_server.judge.reference import brought_up_to_date, tables_page

PAGE = Path(__file__).parents[3] / "docs" / "policy-language.md"
TEXT = PAGE.read_text("utf-8")


def test_the_page_is_current() -> None:
    assert brought_up_to_date(TEXT) == TEXT, "run make docs"


def test_the_page_of_tables_is_current() -> None:
    assert PAGE.with_name("tables.md").read_text("utf-8") == tables_page(), "run make docs"


def test_a_page_without_its_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="no part"):
        brought_up_to_date("nothing")


def test_the_example_is_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)[0], "utf-8")
    policy = load_policy(path)
    assert [rule.id for rule in policy.rules] == ["AV-003", "NET-001"]


def test_every_key_is_on_the_page() -> None:
    missing = [key for key in (*TOP_KEYS, *RULE_KEYS) if not re.search(rf"\b{key}\b", TEXT)]
    assert not missing
    assert all(f"| `{quantifier}: TABLE` |" in TEXT for quantifier in QUANTIFIERS)


@pytest.mark.parametrize(("name", "operation"), [("and", "both"), ("or", "either")])
def test_the_truth_tables_are_those_of_the_code(name: str, operation: str) -> None:
    from muster_server.judge import conditions

    letters = {"T": True, "F": False, "U": None}
    start = {"and": 0, "or": 5}[name]
    for left in letters:
        (line,) = re.findall(rf"^\| \*\*{left}\*\* \|.*$", TEXT, re.MULTILINE)
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for right, said in zip(letters, cells[start + 1 : start + 4], strict=True):
            assert getattr(conditions, operation)(letters[left], letters[right]) is letters[said]
        assert conditions.negation(letters[left]) is letters[cells[-1]]
