"""What the loader accepts, and how it says what is wrong: every mistake at once, each at its place."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from muster_server.document import mistakes as mistakes_module
from muster_server.document.mistakes import Mistake, Place, PolicyError
from muster_server.document.nodes import _KNOWN_SYNTAX
from muster_server.judge.modifiers import MODIFIERS
from muster_server.judge.policies import check_policy, load_policies, load_policy
from muster_server.judge.policy import Bounds, Policy
from muster_server.judge.tables import ALL, columns
from muster_server.resources import bundled
from muster_server.words import Words, entries

WRONG = """\
policy: office
title: {zh: 办公, en: Office}
version: 1.10
values: {allowed_ports: [22], unused: 3}
rules:
  AV-001:
    title: {zh: 防病毒, en: Antivirus}
    severity: hgih
    any: antivirs
    fix: {zh: 启动, en: Start}
  AV-002:
    title: 只写了中文
    severity: high
    any: antivirus
    where: {type: [av, erd]}
    pass_if: {runing: true, realtime: yes, signatures_date|within: 3}
    fix: {zh: 启动, en: Start}
  NET-001:
    title: {zh: 端口, en: Ports}
    severity: high
    each: listening_ports
    pass_if: {process|re: "(a)\\\\1", port: $alowed_ports}
    fix: {zh: 关闭, en: Close}
    severity: low
"""
GOLDEN_EN = """\
FILE:4:31: warning: no rule uses unused.
    values: {allowed_ports: [22], unused: 3}
                                  ^
FILE:8:15: hgih is not one of: high, medium, low.
        severity: hgih
                  ^
    did you mean high?
FILE:9:10: there is no table antivirs. The tables are: TABLES.
        any: antivirs
             ^
    did you mean antivirus?
FILE:12:12: both languages are needed: {zh: …, en: …}.
        title: 只写了中文
               ^
FILE:15:24: erd is not one of: av, edr, mgmt, nac, dlp, zt, server, hids, os.
        where: {type: [av, erd]}
                           ^
    did you mean edr?
FILE:16:15: the table antivirus has no column runing.
        pass_if: {runing: true, realtime: yes, signatures_date|within: 3}
                  ^
    did you mean running?
FILE:16:39: true or false is needed here, not yes.
        pass_if: {runing: true, realtime: yes, signatures_date|within: 3}
                                          ^
    did you mean true?
FILE:16:68: a duration is needed here, e.g. 3d (days) or 12h (hours), not 3.
        pass_if: {runing: true, realtime: yes, signatures_date|within: 3}
                                                                       ^
    did you mean 3d?
FILE:22:31: a regular expression cannot refer back to a group: the time it takes would have no bound.
        pass_if: {process|re: "(a)\\\\1", port: $alowed_ports}
                                  ^
FILE:22:43: values has no alowed_ports.
        pass_if: {process|re: "(a)\\\\1", port: $alowed_ports}
                                              ^
    did you mean $allowed_ports?
FILE:24:5: severity is already set on line 20.
        severity: low
        ^"""
GOLDEN_ZH = """\
FILE:16:15: antivirus 表没有名为 runing 的列。
        pass_if: {runing: true, realtime: yes, signatures_date|within: 3}
                  ^
    是不是想写 running？"""


def shown(path: Path, language: str) -> str:
    said = "\n".join(mistake.text(Words(language)) for mistake in check_policy(path).mistakes)
    return said.replace(str(path), "FILE").replace(", ".join(ALL), "TABLES")


def test_all_mistakes_at_once_each_at_its_place(written: Callable[..., Path]) -> None:
    path = written(WRONG)
    assert shown(path, "en") == GOLDEN_EN
    assert GOLDEN_ZH in shown(path, "zh")
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert len(caught.value.mistakes) == 11


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ("any: antivirus, pas_if: {running: true}", ["unknown_key→pass_if"]),
        ("where: {type: av}", ["no_quantifier"]),
        ("any: antivirus, none: antivirus", ["two_quantifiers"]),
        ("none: antivirus", ["missing_key"]),
        ("none: antivirus, where: {type: av}, pass_if: {running: true}", ["pass_if_in_none"]),
        ("each: antivirus", ["missing_key"]),
        ("count: antivirus", ["missing_key"]),
        ("count: antivirus, pass_if: {running: true}", ["unknown_key"]),
        ("count: antivirus, pass_if: {}", ["no_bounds"]),
        ("count: antivirus, pass_if: {gte: 3, lte: 1}", ["bounds_crossed"]),
        ("count: antivirus, pass_if: {gte: -1}", ["needs_integer"]),
        ("count: antivirus, pass_if: {gte: two}", ["needs_integer"]),
        ("any: antivirus, where: {}", ["needs_condition"]),
        ("any: antivirus, where: []", ["needs_condition"]),
        ("any: antivirus, where: running", ["needs_condition"]),
        ("any: antivirus, where: {name: []}", ["empty_list"]),
        ("any: antivirus, where: {name: {a: b}}", ["needs_value"]),
        ("any: antivirus, where: {name: [[a]]}", ["needs_value"]),
        ("any: antivirus, where: {name: null}", ["null_value"]),
        ("any: antivirus, where: {name: }", ["null_value"]),
        ("any: antivirus, where: {name: true}", ["needs_text"]),
        ("any: antivirus, where: {running: 'true'}", ["needs_boolean→true"]),
        ("any: antivirus, where: {running: off}", ["needs_boolean→false"]),
        ("any: antivirus, where: {running: 1}", ["needs_boolean"]),
        ("any: antivirus, where: {name|contians: x}", ["unknown_modifier→contains"]),
        ("any: antivirus, where: {name|contains|contains: x}", ["modifier_twice"]),
        ("any: antivirus, where: {name|contains|re: x}", ["two_comparisons"]),
        ("any: antivirus, where: {name|i: x}", ["qualifier_does_not_fit"]),
        ("any: antivirus, where: {name|all: [x, y]}", ["qualifier_does_not_fit"]),
        ("any: antivirus, where: {name|contains|all: x}", ["all_wants_list"]),
        ("any: antivirus, where: {running|contains: x}", ["modifier_does_not_fit"]),
        ("any: antivirus, where: {version|gt: '1'}", ["modifier_does_not_fit→version|version_gt"]),
        ("any: antivirus, where: {version|version_gt: new}", ["needs_version"]),
        ("any: antivirus, where: {signatures_date: 2026-11-23}", ["moment_equality→signatures_date|within"]),
        ("any: antivirus, where: {signatures_date|within: 3}", ["needs_duration→3d"]),
        ("any: antivirus, where: {signatures_date|within: 3 days}", ["needs_duration"]),
        ("any: antivirus, where: {signatures_date|within: -3d}", ["needs_duration"]),
        ("any: antivirus, where: {signatures_date|gt: today}", ["needs_moment"]),
        ("any: antivirus, where: {running|exists: maybe}", ["needs_boolean"]),
        ("any: antivirus, where: {running|exists: [true, false]}", ["needs_one_value"]),
        ("any: antivirus, where: {name|fieldref: vendr}", ["unknown_column→vendor"]),
        ("any: antivirus, where: {name|fieldref: running}", ["fieldref_kinds"]),
        ("any: antivirus, where: {name|fieldref: [vendor]}", ["needs_text"]),
        ("any: antivirus, where: {name|re: '(a'}", ["pattern_not_closed"]),
        ("any: listening_ports, where: {port: '22'}", ["needs_integer"]),
        ("any: listening_ports, where: {port: 010}", ["needs_integer"]),
        ("any: listening_ports, where: {port: 22.0}", ["needs_integer"]),
        ("any: listening_ports, where: {address: 10.0.0.0/8}", ["network_without_cidr→address|cidr"]),
        ("any: listening_ports, where: {address|cidr: 10.0.0.1/8}", ["needs_network→10.0.0.0/8"]),
        ("any: listening_ports, where: {address|cidr: intranet}", ["needs_network"]),
        ("any: listening_ports, where: {protocol: tpc}", ["not_a_choice→tcp"]),
        ("any: listening_ports, where: {port: $ports}", ["undefined_value"]),
        ("any: antivirus, evidence: [name, name]", ["column_twice"]),
        ("any: antivirus, evidence: [nmae]", ["unknown_column→name"]),
        ("any: antivirus, evidence: []", ["empty_list"]),
        ("any: antivirus, due: 12h", ["needs_days"]),
        ("any: antivirus, due: 15", ["needs_days"]),
        ("any: antivirus, due: soon", ["needs_days"]),
        ("any: antivirus, references: {mlsp: [8.1.4.5]}", ["unknown_key→mlps"]),
        ("any: antivirus, scope: {unit: [x]}", ["unknown_key"]),
        ("any: antivirus, scope: {}", ["missing_key"]),
        ("any: antivirus, scope: linux", ["needs_map"]),
        ("any: antivirus, given: {update_stat: {automatic: true}}", ["unknown_table→update_status"]),
        ("any: antivirus, given: {update_status: {automatc: true}}", ["unknown_column→automatic"]),
        ("any: antivirus, why: {zh: 因为}", ["missing_key"]),
        ("any: antivirus, why: {zh: 因为, en: ''}", ["needs_text"]),
        ("any: [antivirus]", ["needs_text"]),
    ],
)
def test_what_is_wrong_in_a_rule(mistakes: Callable[..., list[str]], parts: str, found: list[str]) -> None:
    assert mistakes(parts) == found


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ("{a: {b: c}}", ["value_is_map"]),
        ("{a: $a}", ["needs_value"]),
        ("{a: [[1]]}", ["needs_value"]),
        ("{a: [$b], b: 1}", ["needs_value", "unused_value"]),
        ("[a]", ["needs_map"]),
    ],
)
def test_what_is_wrong_in_values(mistakes: Callable[..., list[str]], values: str, found: list[str]) -> None:
    parts = "any: listening_ports, where: {port: $a}" if values != "[a]" else "any: antivirus"
    assert mistakes(parts, values)[: len(found)] == found


def test_a_value_of_the_wrong_kind_is_shown_where_it_is_defined(written: Callable[..., Path]) -> None:
    path = written("values: {age: 3}\nrules: {}\n")
    text = path.read_text("utf-8").replace(
        "rules: {}",
        "rules:\n  R-1: {title: {zh: 题, en: T}, severity: low, fix: {zh: 改, en: F}, any: antivirus,\n"
        "        where: {signatures_date|within: $age}}",
    )
    path.write_text(text, "utf-8")
    (mistake,) = check_policy(path).mistakes
    assert (mistake.code, mistake.place.line, mistake.near) == ("needs_duration", 4, "3d")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", ["empty_file"]),
        ("[]", ["needs_map"]),
        ("policy: x\n", ["missing_key"] * 3),
        ("policy: x/../y\ntitle: {zh: 题, en: T}\nversion: 1\nrules: {}\n", ["bad_id", "no_rules"]),
        ("policy: x\ntitle: {zh: 题, en: T}\nversion: 1\nrules: {'': {}}\n", None),
        ("polcy: x\ntitle: {zh: 题, en: T}\nversion: 1\nrules: {A: 1}\n", ["unknown_key", "missing_key", "needs_map"]),
    ],
)
def test_what_is_wrong_at_the_top(tmp_path: Path, text: str, codes: list[str] | None) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    found = check_policy(path)
    assert found.policy is None
    if codes is not None:
        assert sorted(mistake.code for mistake in found.mistakes) == sorted(codes)


def test_what_a_rule_becomes(one_rule: Callable[..., Policy]) -> None:
    policy = one_rule(
        "scope: {platform: [UOS, linux]}, count: antivirus, where: {type: av}, pass_if: {lte: 3}, due: 7d,"
        " references: {mlps: [8.1.4.5], cis_v8: [10.1]}, evidence: [name]"
    )
    (rule,) = policy.rules
    assert rule.pass_if == Bounds(0, 3)
    assert rule.due == timedelta(days=7)
    assert rule.scope == {"platform": ("uos", "linux")}
    assert rule.references == {"mlps": ("8.1.4.5",), "cis_v8": ("10.1",)}
    assert policy.rule("R-1") is rule


@pytest.mark.parametrize(("severity", "days"), [("high", 15), ("medium", 30), ("low", 60)])
def test_due_follows_the_severity(written: Callable[..., Path], severity: str, days: int) -> None:
    path = written(
        f"rules:\n  R-1: {{title: {{zh: 题, en: T}}, fix: {{zh: 改, en: F}}, severity: {severity}, any: antivirus}}\n"
    )
    assert load_policy(path).rules[0].due == timedelta(days=days)


def test_numbers_stay_as_they_are_written(written: Callable[..., Path]) -> None:
    path = written("policy: x\ntitle: {zh: 题, en: 2026}\nversion: 1.10\nrules:\n  R-1: {title: {zh: 010, en: no},"
                   " severity: high, any: antivirus, fix: {zh: 1:30, en: 2026-11-23}}\n")  # fmt: skip
    policy = load_policy(path)
    assert policy.version == "1.10"
    assert policy.rules[0].title == {"zh": "010", "en": "no"}
    assert policy.rules[0].fix == {"zh": "1:30", "en": "2026-11-23"}


def test_a_platform_nobody_knows_is_a_warning(written: Callable[..., Path]) -> None:
    path = written("rules:\n  R-1: {title: {zh: 题, en: T}, severity: low, fix: {zh: 改, en: F}, any: antivirus,"
                   " scope: {platform: [windwos, debain]}}\n")  # fmt: skip
    checked = check_policy(path)
    assert checked.policy is not None
    assert [(mistake.code, mistake.near) for mistake in checked.mistakes] == [
        ("unknown_platform", "windows"),
        ("unknown_platform", "debian"),
    ]


def test_logic_is_told_apart_by_what_decides_and_nothing_else(one_rule: Callable[..., Policy]) -> None:
    def logic(parts: str, values: str = "") -> str:
        return one_rule(parts, values).rules[0].logic

    one = logic("any: antivirus, where: {type: av}")
    assert one == logic("any: antivirus, where: {type: av}, due: 3d, why: {zh: 因, en: B}")
    assert one != logic("any: antivirus, where: {type: edr}")
    assert one != logic("none: antivirus, where: {type: av}")
    ports = "each: listening_ports, pass_if: {port: $p}"
    assert logic(ports, "{p: [1, 2]}") == logic("each: listening_ports, pass_if: {port: [1, 2]}")
    assert logic(ports, "{p: [1, 2]}") != logic(ports, "{p: [1, 3]}")
    texts = "any: antivirus, where: {version: X}"
    assert logic(texts.replace("X", "1.10")) != logic(texts.replace("X", "1.1"))


# -- folders ---------------------------------------------------------------------------------------------------------

GOOD = "rules:\n  {id}: {{title: {{zh: 题, en: T}}, severity: low, fix: {{zh: 改, en: F}}, any: antivirus}}\n"
TOP = "policy: {policy}\ntitle: {{zh: 题, en: T}}\nversion: 1\n"


def policy_text(policy: str, rule: str) -> str:
    return TOP.format(policy=policy) + GOOD.format(id=rule)


def test_a_folder_is_read_by_file_name(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(policy_text("b", "B-1"), "utf-8")
    (tmp_path / "a.yml").write_text(policy_text("a", "A-1"), "utf-8")
    (tmp_path / "end-of-support.yaml").write_text("not: a policy\n")
    (tmp_path / "README.md").write_text("not a policy\n")
    (tmp_path / "cases").mkdir()
    assert [policy.id for policy in load_policies(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("second", "code"),
    [(policy_text("b", "A-1"), "rule_in_two_policies"), (policy_text("a", "B-1"), "policy_id_used_twice")],
)
def test_two_policies_cannot_share_an_id(tmp_path: Path, second: str, code: str) -> None:
    (tmp_path / "a.yaml").write_text(policy_text("a", "A-1"), "utf-8")
    (tmp_path / "b.yaml").write_text(second, "utf-8")
    with pytest.raises(PolicyError) as caught:
        load_policies(tmp_path)
    (mistake,) = caught.value.mistakes
    assert mistake.code == code
    assert mistake.path.endswith("b.yaml")
    assert str(tmp_path / "a.yaml") in mistake.text(Words("zh"))


def test_mistakes_of_all_files_come_together(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("policy: x\n")
    with pytest.raises(PolicyError) as caught:
        load_policies(tmp_path)
    assert {Path(mistake.path).name for mistake in caught.value.mistakes} == {"a.yaml", "b.yaml"}


def test_an_empty_folder_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no policy"):
        load_policies(tmp_path)
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policies(tmp_path / "none")


def test_B57_a_link_and_what_anybody_may_write_are_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text(policy_text("a", "A-1"), "utf-8")
    folder = tmp_path / "policies"
    folder.mkdir()
    link = folder / "a.yaml"
    link.symlink_to(real)
    with pytest.raises(PolicyError, match="symbolic link"):
        load_policies(folder)
    link.unlink()
    link.write_text(policy_text("a", "A-1"), "utf-8")
    link.chmod(0o666)
    with pytest.raises(PolicyError, match="anybody may write"):
        load_policies(folder)
    link.chmod(0o644)
    folder.chmod(0o777)
    with pytest.raises(PolicyError, match="anybody may write"):
        load_policies(folder)
    folder.chmod(0o755)
    assert len(load_policies(folder)) == 1


# -- the words -------------------------------------------------------------------------------------------------------


def test_a_line_from_a_file_cannot_steer_the_terminal() -> None:
    mistake = Mistake("x\x1b[2J.yaml", Place(1, 3), "needs_text", source="a\x1b[31m\u202e\x07")
    assert "\x1b" not in mistake.text(Words("en"))
    assert "\u202e" not in mistake.text(Words("en"))


def test_the_caret_stands_under_wide_characters() -> None:
    lines = Mistake("x", Place(1, 4), "needs_text", source="防病毒x").text(Words("en")).splitlines()
    assert lines[2] == "    " + " " * 6 + "^"


def test_a_long_line_is_shown_around_its_mistake() -> None:
    lines = (
        Mistake("x", Place(1, 5001), "needs_text", source="a" * 5000 + "!" + "a" * 5000).text(Words("en")).splitlines()
    )
    assert len(lines[1]) < 110
    assert lines[1][lines[2].index("^")] == "!"


def codes_in(path: Path) -> set[str]:
    """Every code that a mistake or a pattern error is given in that file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            at = {"mistake": 1, "Mistake": 2, "PatternError": 0}.get(name)
            if at is not None and len(node.args) > at:
                constants = [one.value for one in ast.walk(node.args[at]) if isinstance(one, ast.Constant)]
                prefix = "pattern_" if name == "PatternError" else ""
                found |= {prefix + one for one in constants if isinstance(one, str)}
    return found


def test_every_code_in_the_source_is_worded_and_every_wording_is_used() -> None:
    here = Path(mistakes_module.__file__).parent
    used = set(_KNOWN_SYNTAX.values()) | {"syntax", "null_value"}
    for path in (path for room in ("document", "judge", "feeds") for path in (here.parent / room).glob("*.py")):
        used |= codes_in(path)
    written = yaml.load((bundled("reports") / "wording" / "policy.yaml").read_text("utf-8"), yaml.CSafeLoader)
    worded = {key.removeprefix("policy.mistake.") for key in written if key.startswith("policy.mistake.")}
    used.discard("pattern_")  # the beginning of those codes, where they are put together
    assert used == worded


def test_every_modifier_and_kind_is_worded() -> None:
    for modifier in MODIFIERS.values():
        assert f"policy.modifier.{modifier.name}" in entries()
        assert f"policy.value.{modifier.value}" in entries()
        assert all(f"policy.kind.{kind}" in entries() for kind in modifier.kinds)


def test_every_table_and_column_is_worded() -> None:
    for table in ALL:
        assert f"table.{table}" in entries()
        assert [column for column in columns(table) if f"column.{column}" not in entries()] == []
