"""What the views say, beyond how they look."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from muster_server.judge.verdict import Result
from muster_server.render.terminal import document
from muster_server.tally import State

Draw = Callable[..., list[str]]


def test_line_one_is_the_conclusion_in_both_languages(offices: Any, draw: Draw) -> None:
    tally = offices.bureau()
    n, of = tally.whole.confirmed.n, tally.whole.confirmed.of
    missing = tally.whole.confirmed.missing(90)
    zh = f"未达标：确认合规 {n}/{of} 台（{tally.whole.confirmed.percent()}），目标 90%，还差 {missing} 台"
    assert draw("office", tally)[0] == zh
    assert draw("office", tally, lang="en")[0].startswith(f"Not met: {n} of {of} PCs confirmed compliant")
    assert draw("office", offices.spotless())[0] == "达标：确认合规 12/12 台（100.0%），目标 90%"


def test_the_states_on_the_screen_add_up_to_the_registered_pcs(offices: Any, draw: Draw) -> None:
    lines = draw("office", offices.bureau(), lang="en")
    counts = {}
    for line in lines:
        found = re.match(r"([+x?=]) (\w+) +(\d+) ", line)
        if found and not line.startswith(" "):
            counts[found.group(2)] = int(found.group(3))
    total = counts.pop("registered")
    assert set(counts) == {"OK", "FAIL", "UNKNOWN", "SILENT"}
    assert sum(counts.values()) == total == 40


def test_the_last_line_is_one_command_that_can_be_typed(offices: Any, draw: Draw) -> None:
    command = "muster --data '/srv/my data' report --rule AV-001"
    assert draw("office", offices.bureau(), 120, command="muster --data '/srv/my data'")[-1].endswith(command)
    assert draw("office", offices.spotless())[-1] == "生成月报: muster report --html 2026-11.html"
    assert draw("office", offices.tally([]), lang="en")[-1].endswith("muster token --unit UNIT")
    assert draw("office", offices.tally([offices.judged("1", reported=None)]))[-1].endswith("muster-agent run")


@pytest.mark.parametrize("view", ["office", "rule"])
def test_the_command_is_not_broken_by_a_narrow_screen(offices: Any, draw: Draw, view: str) -> None:
    assert re.search(r"muster report --(rule|pc) \S+$", draw(view, offices.bureau(), 59)[-1])


def test_simulated_pcs_are_owned_up_to(offices: Any, draw: Draw) -> None:
    real = offices.judged("1", [offices.verdict("AV-001")])
    acted = offices.judged("2", [offices.verdict("AV-001")], tags=("simulated",))
    assert "演示数据：2 台中有 1 台为模拟终端，不是真实情况。" in draw("office", offices.tally([real, acted]))
    assert "演示数据：全部 1 台均为模拟终端，不是真实情况。" in draw("office", offices.tally([acted]))
    assert not [line for line in draw("office", offices.tally([real])) if "演示" in line]
    assert [line for line in draw("pc", offices.tally([acted])) if "模拟终端（演示）" in line]


def test_old_data_says_how_old_it_is(offices: Any, draw: Draw) -> None:
    pc = offices.judged("1", [offices.verdict("AV-001")], reported=offices.now - timedelta(days=3, hours=2))
    assert [line for line in draw("office", offices.tally([pc])) if "已 3 天没有收到任何上报" in line]
    fresh = offices.judged("1", [offices.verdict("AV-001")])
    assert not [line for line in draw("office", offices.tally([fresh])) if "没有收到" in line]


def test_a_failing_check_says_what_was_measured_what_is_required_and_how_to_mend_it(offices: Any, draw: Draw) -> None:
    evidence = [{"name": "ClamAV", "running": False, "realtime": None, "signatures_date": "2026-10-30T22:15:00Z"}]
    rule = offices.rule(fix={"zh": "启动它。", "en": "Start it."}, evidence=tuple(evidence[0]))
    verdict = offices.verdict("AV-001", Result.FAIL, evidence=evidence)
    finding = offices.finding("1", "AV-001", offices.now - timedelta(days=20))
    text = "\n".join(draw("pc", offices.tally([offices.judged("1", [verdict], [finding])], [rule]), 120))
    assert re.search(r"AV-001 +高 +x 不通过 +逾期 5 天 +2026-11-04 +2026-11-19", text)
    assert "要求  AV-001 的要求" in text
    assert "实测  ClamAV：正在运行 否，实时防护 未读到，病毒库日期 2026-10-31 06:15" in text  # in the office's zone
    assert "整改  启动它。" in text


def test_a_null_that_was_wanted_is_said_and_one_the_system_has_not_got_is_left_out(offices: Any, draw: Draw) -> None:
    row = {"name": "firefox-esr", "security": None, "available": "128.0", "kb": None}
    rule = offices.rule("PATCH-001", table="updates", evidence=tuple(row))
    for shown, said in (
        (row, "firefox-esr: security update not read, version on offer 128.0"),
        ({"kb": None}, "not read"),
    ):
        verdict = offices.verdict("PATCH-001", Result.FAIL, evidence=[shown])
        lines = draw("pc", offices.tally([offices.judged("1", [verdict])], [rule]), 120, "en")
        assert [line for line in lines if line.split("  ")[-1] == said]


def test_what_could_not_be_told_gives_its_reason_and_no_fix(offices: Any, draw: Draw) -> None:
    verdict = offices.verdict("AV-001", Result.UNKNOWN)
    text = "\n".join(draw("pc", offices.tally([offices.judged("1", [verdict])])))
    assert "? 待核实" in text
    assert "原因  上报中没有防护软件" in text
    assert "整改" not in text


def test_many_rows_of_evidence_are_listed_to_five_and_the_rest_counted(offices: Any, draw: Draw) -> None:
    rows = [{"port": port} for port in range(1000, 1020)]
    rule = offices.rule("NET-001", table="listening_ports", evidence=("port",))
    verdict = offices.verdict("NET-001", Result.FAIL, evidence=rows, total=33)
    tally = offices.tally([offices.judged("1", [verdict])], [rule])
    text = "\n".join(draw("pc", tally, lang="en"))
    assert "port 1004" in text and "port 1005" not in text and "and 28 more" in text
    everything = "\n".join(draw("pc", tally, lang="en", everything=True))
    assert "port 1019" in everything and "and 13 more" in everything


def test_a_silent_pc_keeps_its_problems_on_the_screen(offices: Any, draw: Draw) -> None:
    finding = offices.finding("1", "AV-001", offices.now - timedelta(days=40))
    quiet = offices.now - timedelta(days=20)
    pc = offices.judged("1", [offices.verdict("AV-001", Result.FAIL)], [finding], reported=quiet)
    tally = offices.tally([pc])
    assert [
        line for line in draw("office", tally) if "? 失联" in line and "逾期 25 天" in line and "已 20 天未上报" in line
    ]
    text = "\n".join(draw("pc", tally))
    assert "问题不因失联而消除" in text and "AV-001" in text


def test_a_fail_without_a_finding_is_still_shown(offices: Any, draw: Draw) -> None:
    tally = offices.tally([offices.judged("1", [offices.verdict("AV-001", Result.FAIL)])])
    assert re.search(r"AV-001 +高 +x 不通过 +-", "\n".join(draw("pc", tally)))


def test_a_pc_whose_key_two_machines_use_says_so(offices: Any, draw: Draw) -> None:
    tally = offices.tally([offices.judged("1", [offices.verdict("AV-001")], conflict=True)])
    for view in ("office", "pc"):
        assert [line for line in draw(view, tally) if "两台机器使用同一密钥" in line]


def test_the_document_has_the_rows_of_the_screen_in_its_order(offices: Any, draw: Draw) -> None:
    tally = offices.bureau()
    screen = draw("office", tally, 120, "en", everything=True)

    def order(names: list[str]) -> list[str]:
        first = {}
        for place, line in enumerate(screen):
            for name in names:
                if re.match(re.escape(name) + r"  ", line + "  ") and name not in first:
                    first[name] = place
        assert set(first) == set(names)
        return sorted(names, key=lambda name: first[name])

    said = document.office(tally)
    for rows, key in (("units", "name"), ("pcs", "name"), ("rules", "id")):
        names = [row[key] for row in said[rows]]
        assert order(names) == names
    failing = document.rule(tally, tally.rules[0])["rule"]["failing"]
    lines = draw("rule", tally, 120, "en", everything=True)
    places = [min(n for n, line in enumerate(lines) if line.startswith(row["name"])) for row in failing]
    assert places == sorted(places)
    verdicts = document.pc(tally, tally.pcs[0])["pc"]["verdicts"]
    lines = draw("pc", tally, 120, "en", everything=True)
    places = [next(n for n, line in enumerate(lines) if line.startswith(row["rule"])) for row in verdicts]
    assert places == sorted(places) and len(verdicts) == len(tally.rules)


def test_the_document_carries_the_numbers_of_the_tally(offices: Any) -> None:
    tally = offices.bureau()
    said = document.office(tally, limit=3)
    assert said["schema_version"] == 1
    assert said["as_of"] == "2026-11-24T09:00:00+08:00"
    assert said["rates"]["confirmed"] == {"n": 20, "of": 40, "percent": "50.0%"}
    assert sum(said["states"].values()) == said["totals"]["registered"] == 40
    assert set(said["states"]) == {str(state) for state in State}
    assert len(said["pcs"]) == 3 and said["totals"]["pcs"] == 40
    flow = said["flow"]
    assert flow["before"] + flow["new"] + flow["relapsed"] - flow["mended"] - flow["neutral"] == flow["after"]
