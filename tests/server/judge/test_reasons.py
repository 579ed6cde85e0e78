"""Reasons are sentences that a section head understands, in both languages."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from muster_agent.facts import STATUSES
from muster_server.judge import judging
from muster_server.judge.reasons import say
from muster_server.judge.verdict import Reason
from muster_server.resources import bundled
from muster_server.words import Words

PROBLEM = {"table": "antivirus", "problem": "os_version_missing", "detail": ""}
NULL = {"column": "signatures_date", "cause": "null"}
SAMPLES: dict[str, dict[str, Any]] = {
    "not_reported": {},
    "out_of_scope": {"platform": "debian", "allowed": ["windows"]},
    "platform_unknown": {},
    "any_pass": {"n": 1},
    "any_fail": {"rows": 2},
    "any_fail_empty": {"table": "antivirus", "rows": 0},
    "each_pass": {"rows": 12},
    "each_pass_empty": {"table": "listening_ports", "rows": 0},
    "each_fail": {"n": 2, "rows": 12},
    "none_pass": {"table": "updates", "rows": 3},
    "none_pass_empty": {"table": "updates", "rows": 0},
    "none_fail": {"table": "updates", "n": 1, "rows": 3},
    "count_pass": {"n": 2, "gte": 1, "lte": None},
    "count_fail": {"n": 2, "gte": 3, "lte": None},
    "rows_unknown": {"table": "antivirus", "n": 1, "rows": 2, "causes": [NULL]},
    "rows_missing": PROBLEM,
    "table_missing": {"table": "antivirus"},
    "given_missing": {"table": "update_status"},
    "given_empty": {"table": "update_status"},
    "given_unknown": {"table": "update_status", "causes": [NULL]},
    "given_unmet": {"table": "update_status", "columns": ["metadata_date"], "values": ["2026-10-01"]},
    **{f"{role}_{status}": PROBLEM for role in ("table", "given") for status in STATUSES if status != "ok"},
}


@pytest.mark.parametrize("code", SAMPLES)
def test_every_reason_is_a_sentence_in_both_languages(code: str) -> None:
    zh, en = (say(Reason(code, SAMPLES[code]), Words(language)) for language in ("zh", "en"))
    assert zh.endswith("。") and en.endswith(".")
    assert zh != en
    assert not {"{", "}"} & {*zh, *en}
    assert "antivirus" not in zh and "signatures_date" not in zh + en


def test_the_samples_are_all_the_reasons_there_are() -> None:
    path = bundled("reports") / "wording" / "judge.yaml"
    keys = [key.split(".") for key in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)]
    worded = {key[1] for key in keys if key[0] == "judge" and len(key) == 2} - {"unread"}
    assert worded == (set(SAMPLES) - {"count_fail"}) | {"count_fail_gte", "count_fail_lte"}
    said = {
        one.value
        for node in ast.walk(ast.parse(Path(judging.__file__).read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Reason", "_Unknown", "_Answer")
        for argument in node.args
        for one in ast.walk(argument)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and "_" in one.value.strip("_")
    }
    assert said and said <= set(SAMPLES)


@pytest.mark.parametrize("cause", ["null", "future", "incomparable", "too_long", "unreadable"])
def test_every_cause_is_worded(cause: str) -> None:
    reason = Reason("rows_unknown", {"table": "antivirus", "n": 1, "causes": [{"column": "version", "cause": cause}]})
    assert "版本" in say(reason, Words("zh"))
    assert "version" in say(reason, Words("en"))


@pytest.mark.parametrize(
    ("reason", "zh", "en"),
    [
        (
            Reason("each_fail", {"n": 2, "rows": 12}),
            "12 项中有 2 项不符合要求。",
            "2 of 12 do not meet the requirement.",
        ),
        (
            Reason("rows_unknown", {"n": 1, "causes": [NULL, {"column": "realtime", "cause": "null"}]}),
            "1 项无法判定：未能读取“病毒库日期”；未能读取“实时防护”。",
            "1 could not be determined: “date of signatures” could not be read; "
            "“real-time protection” could not be read.",
        ),
        (
            Reason("given_unmet", {"table": "update_status", "columns": ["metadata_date"], "values": [None]}),
            "前提不成立，结论不可靠：补丁状态的更新信息日期 未读到。",
            "The answer would mean nothing, because of patch state: date of update information not read.",
        ),
        (
            Reason("count_fail", {"n": 5, "gte": 0, "lte": 3}),
            "共 5 项，多于允许的 3 项。",
            "There are 5; at most 3 are allowed.",
        ),
        (
            Reason("table_denied", {"table": "antivirus", "problem": "from_a_newer_agent", "detail": "{x} \x1b[2J"}),
            "没有权限读取防护软件：from_a_newer_agent：{x} \x1b[2J。",
            "No permission to read: protection products (from_a_newer_agent: {x} \x1b[2J).",
        ),
    ],
)
def test_how_it_is_said(reason: Reason, zh: str, en: str) -> None:
    assert say(reason, Words("zh")) == zh
    assert say(reason, Words("en")) == en
