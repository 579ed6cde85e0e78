"""The shipped policies hold what their cases say, and no rule is without its three."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from muster_server.document.mistakes import PolicyError
from muster_server.feeds.os_support import load as load_end_of_support
from muster_server.judge.cases import Case, load_cases
from muster_server.judge.policies import load_policies
from muster_server.judge.policy import Policy, Rule
from muster_server.judge.tables import columns
from muster_server.judge.verdict import Result
from muster_server.resources import bundled
from muster_server.words import Words

FOLDER = bundled("policies")
POLICIES = {policy.id: policy for policy in load_policies(FOLDER)}
END_OF_SUPPORT = load_end_of_support()
CASES = [
    (POLICIES[policy], case)
    for path in sorted((FOLDER / "cases").glob("*.yaml"))
    for policy, cases in [load_cases(path)]
    for case in cases
]
RULES = [(policy, rule) for policy in POLICIES.values() for rule in policy.rules]
# What a workstation can give evidence for, of GB/T 22239-2019 (level 3), and the CIS safeguards that were looked up.
CLAUSES = {"8.1.3.1 a", "8.1.3.1 c", "8.1.4.1 a", "8.1.4.1 b", "8.1.4.1 c", "8.1.4.2 b", "8.1.4.2 d", "8.1.4.3"}
CLAUSES |= {"8.1.4.4 a", "8.1.4.4 b", "8.1.4.4 e", "8.1.4.5", "8.1.4.6", "8.1.10.5", "8.1.10.7"}
SAFEGUARDS = {"2.2", "2.3", "3.3", "3.6", "4.3", "4.5", "4.7", "4.8", "4.10", "5.2", "5.4", "7.3", "7.4", "8.10"}
SAFEGUARDS |= {"10.1", "10.2", "10.3"}
# Columns whose words are names of things: tcp, smb, prohibit-password.
TECHNICAL = {"protocol", "ssh_root_login"}
SPACE_IN_CHINESE = re.compile("[\u201c\u201d\u3000-\u9fff\uff00-\uffef] [\u201c\u201d\u3000-\u9fff\uff00-\uffef]")


@pytest.mark.parametrize(("policy", "case"), CASES, ids=[f"{case.rule}-{case.line}" for _, case in CASES])
def test_case(policy: Policy, case: Case) -> None:
    verdict = case.run(policy, END_OF_SUPPORT)
    assert (verdict.result, verdict.evidence_total) == (case.expect, case.evidence), (case.what, verdict)


@pytest.mark.parametrize(("policy", "rule"), RULES, ids=[rule.id for _, rule in RULES])
def test_every_rule_has_a_pass_a_fail_and_an_unknown(policy: Policy, rule: Rule) -> None:
    expected = {case.expect for owner, case in CASES if owner is policy and case.rule == rule.id}
    assert {Result.PASS, Result.FAIL, Result.UNKNOWN} <= expected


def test_every_case_names_a_rule_that_is_there() -> None:
    known = {rule.id for _, rule in RULES}
    assert {case.rule for _, case in CASES} <= known


@pytest.mark.parametrize(("policy", "rule"), RULES, ids=[rule.id for _, rule in RULES])
def test_every_rule_tells_a_user_what_to_do(policy: Policy, rule: Rule) -> None:
    assert rule.fix["zh"].endswith("。")
    assert rule.fix["en"].endswith(".")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in rule.title["zh"])
    assert rule.title["en"].isascii()
    for text in (rule.title["zh"], rule.fix["zh"], rule.why.get("zh", "")):  # a line folded between two characters
        assert SPACE_IN_CHINESE.search(text) is None
    assert rule.evidence
    assert rule.references
    assert set(rule.references.get("mlps", ())) <= CLAUSES
    assert set(rule.references.get("cis_v8", ())) <= SAFEGUARDS


@pytest.mark.parametrize(("policy", "rule"), RULES, ids=[rule.id for _, rule in RULES])
def test_what_a_rule_shows_is_said_in_chinese(policy: Policy, rule: Rule) -> None:
    known = columns(rule.table)
    shown = {f"{name}.{said}" for name in rule.evidence if name not in TECHNICAL for said in known[name].choices}
    assert {each for each in shown if Words("zh").maybe(f"report.value.{each}", "") == ""} == set()


def test_a_rule_about_one_row_does_not_pass_on_none() -> None:
    """`each` over a table of one row would pass when the row is not there."""
    assert not [
        rule.id
        for _, rule in RULES
        if rule.quantifier == "each" and rule.table in ("update_status", "os_support", "settings")
    ]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", ["empty_file"]),
        ("policy: x\nas_of: 2026-11-23\ncases: {}\n", ["missing_key"]),
        ("policy: x\nas_of: now\ncases: []\n", ["needs_moment"]),
        ("policy: x\nas_of: 2026-11-23\ncases: [{rule: A, case: b, expect: fial}]\n", ["not_a_choice"]),
        ("policy: x\nas_of: 2026-11-23\ncases: [{rule: A, case: b, expect: fail, tables: {antivirus: gone}}]\n",
         ["needs_rows"]),
        ("policy: x\nas_of: 2026-11-23\ncases: [{rule: A, case: b, expect: fail, tables: {antivirus: [{nmae: x}]}}]\n",
         ["unknown_column"]),
        ("policy: x\nas_of: 2026-11-23\ncases: [{rule: A, case: b, expect: fail, evidence: many}]\n",
         ["needs_integer"]),
        ("policy: x\nas_of: 2026-11-23\n"
         "cases: [{rule: A, case: b, expect: fail, tables: {listening_ports: [{port: '22'}]}}]\n", ["needs_integer"]),
    ],
)  # fmt: skip
def test_a_case_file_is_checked_too(tmp_path: Path, text: str, codes: list[str]) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(PolicyError) as caught:
        load_cases(path)
    assert [mistake.code for mistake in caught.value.mistakes] == codes
