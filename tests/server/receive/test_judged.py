"""What the server tells a PC of itself with the receipt, and that it is text which changes nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from muster_agent.commands.run import run
from muster_agent.sending import notice
from muster_agent.sending.judged import Judged
from muster_agent.words import Words
from muster_server.demo import running

WORDS = Words("en")
OPEN = {
    "rule": "AV-001",
    "severity": "high",
    "title": {"zh": "题", "en": "title"},
    "fix": {"zh": "改", "en": "fix"},
    "due": "2026-12-09T00:00:00Z",
}
TOLD = {"as_of": "2026-11-24T08:00:00Z", "count": 1, "unknown": 0, "open": [OPEN]}
POLICY = """\
policy: own
title: {zh: 测试, en: Test}
version: "1"
rules:
  T-001:
    title: {zh: 本机应当来自未来, en: The PC comes from the future}
    severity: high
    any: os_version
    pass_if: {major: 9999}
    fix: {zh: 等待。, en: Wait.}
  T-002:
    title: {zh: 系统有名称, en: The system has a name}
    severity: low
    any: os_version
    pass_if: {name|exists: true}
    fix: {zh: 取名。, en: Name it.}
"""


def told(server: Any, pc: Any) -> notice.Notice:
    """The notice a run leaves."""
    assert run(pc.home, pc.enrolment, pc.tables(), WORDS) == 0
    found = notice.read(str(pc.home.path))
    assert found is not None
    return found


def test_a_pc_that_was_not_judged_yet_is_told_so(server: Any) -> None:
    pc = server.pc()
    answer = pc.post(pc.sign())
    assert answer.content["judged"] is None
    found = told(server, server.pc("another"))
    assert (found.code, found.judged, found.waiting, found.refused) == (None, None, 0, 0)
    assert found.sent is not None and found.sent.seq == 1


def test_what_the_server_says_comes_with_the_receipt_and_stays(start: Any) -> None:
    server = start(lambda agent: TOLD)
    pc = server.pc()
    found = told(server, pc)
    assert isinstance(found.judged, Judged)
    assert [one.rule for one in found.judged.open] == ["AV-001"]
    another = server.pc("another")
    signed = another.sign()
    assert [another.post(signed).content["judged"] for _ in range(2)] == [TOLD, TOLD], "a retry is answered as fully"


@pytest.mark.parametrize(
    "content",
    ["x", [], {"open": "reboot"}, {**TOLD, "run": ["/bin/sh"]}, {**TOLD, "open": [{**OPEN, "severity": "now"}]}],
)
def test_what_is_not_understood_costs_no_delivery_and_is_not_kept(start: Any, content: Any) -> None:
    server = start(lambda agent: content)
    found = told(server, server.pc())
    assert (found.code, found.judged) == (None, None)
    assert server.ask("SELECT count(*) FROM reports") == [(1,)]


def test_the_answer_to_a_report_holds_these_things_and_no_others(server: Any) -> None:
    """No command channel: what a PC reads from the server is listed in docs/threat-model.md."""
    pc = server.pc()
    assert set(pc.post(pc.sign()).content) == {"receipt", "signature", "missing", "judged"}


def test_a_run_leaves_nothing_of_the_answer_but_the_notice_and_its_own_state(start: Any) -> None:
    before = start(lambda agent: None)
    plain = before.pc()
    told(before, plain)
    server = start(lambda agent: TOLD)
    pc = server.pc("told")
    told(server, pc)
    names = {path.relative_to(plain.home.path).as_posix() for path in plain.home.path.rglob("*")}
    assert {path.relative_to(pc.home.path).as_posix() for path in pc.home.path.rglob("*")} == names
    kept = [path for path in pc.home.path.rglob("*") if path.is_file() and b"AV-001" in path.read_bytes()]
    assert [path.name for path in kept] == ["status.json"]


def test_from_a_policy_to_the_person_at_the_pc(tmp_path: Path) -> None:
    data, home = tmp_path / "data", tmp_path / "agent"

    def muster(*words: str) -> str:
        line = [sys.executable, "-m", "muster_server", "--data", str(data), *words]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout

    def agent(*words: str, given: str = "", lang: str = "en") -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "muster_agent", "--lang", lang, *words, "--home", str(home)]
        return subprocess.run(line, input=given, capture_output=True, text=True, timeout=60)

    muster("init")
    (data / "policies" / "own.yaml").write_text(POLICY)
    with running.server(data, 0) as address:
        assert agent("enrol", address, given=muster("token", "--unit", "x")).returncode == 0
        assert agent("run").returncode == 0
        first = agent("status")
        assert (first.returncode, "not yet said" in first.stdout) == (3, True)
        deadline = time.monotonic() + 30
        while (status := agent("status")).returncode == 3 and time.monotonic() < deadline:
            assert agent("run").returncode == 0  # the sweeper judges within seconds; the next receipt tells
            time.sleep(0.5)
    assert status.returncode == 1, status.stdout
    assert "To fix on this PC: 1" in status.stdout
    assert "T-001 The PC comes from the future" in status.stdout
    assert "Wait." in status.stdout
    assert "T-002" not in status.stdout
    assert re.search(r"due 20\d\d-\d\d-\d\d \(1[45] day", status.stdout)
    assert "本机应当来自未来" in agent("status", lang="zh").stdout
    assert json.loads((home / "public" / "status.json").read_text())["judged"]["count"] == 1
