"""The demonstration: this PC for real, an office beside it, twice in a row."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from muster_agent.canonical import manifest
from muster_agent.collect import collect, not_here
from muster_agent.facts import TABLES
from muster_server.demo.condition import FAULTS, SYSTEMS, condition
from muster_server.demo.office import UNITS, members
from muster_server.demo.pc import machine
from muster_server.feeds import os_support
from muster_server.judge.judging import judge
from muster_server.judge.policies import load_policies
from muster_server.judge.verdict import Result
from muster_server.resources import bundled
from muster_server.subject import PC, Subject


def run(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run muster on that folder."""
    line = [sys.executable, "-m", "muster_server", "--data", str(data), "--lang", "en", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, env={**os.environ, "COLUMNS": "100"})


def numbers(data: Path) -> dict[str, object]:
    """The office as JSON."""
    found: dict[str, object] = json.loads(run(data, "report", "--json", "--limit", "0").stdout)
    return found


def test_twice_in_a_row_goes_on_and_shows_history(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    first = run(data, "demo", "--office", "12")
    assert first.returncode == 0, first.stderr
    assert "of 13 PCs confirmed compliant" in first.stdout
    assert "12 of 13 PCs are simulated, not real" in first.stdout
    page = re.search(r"The month's report: (\S+)", first.stdout)
    assert page is not None
    assert Path(page.group(1)).read_text("utf-8").lower().startswith("<!doctype html>")
    before = numbers(data)

    second = run(data, "demo", "--office", "12")
    assert second.returncode == 0, second.stderr
    assert "going on" in second.stderr
    after = numbers(data)
    assert before["totals"]["registered"] == after["totals"]["registered"] == 13  # type: ignore[index]
    assert after["flow"]["new"] >= before["flow"]["new"]  # type: ignore[index]
    home = json.loads((data / "agent" / "state.json").read_text())
    assert home["seq"] == 2

    taken = int((data / "demo-port").read_text())
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", taken))
        other.listen()
        third = run(data, "demo")
    assert third.returncode == 5
    assert "did not start" in third.stderr
    assert "Traceback" not in third.stderr


def test_the_real_pc_is_always_there_and_alone_without_an_office(tmp_path: Path) -> None:
    done = run(tmp_path / "demo", "demo")
    assert done.returncode == 0, done.stderr
    assert "of 1 PCs confirmed compliant" in done.stdout
    assert "imulated" not in done.stdout
    assert socket.gethostname()[:8] in done.stdout


def test_a_folder_that_cannot_be_made_is_a_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(tmp_path / "file" / "demo", "demo")
    assert done.returncode == 5
    assert "Traceback" not in done.stderr


NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
# What a PC of that system does not tell, simulated or real.
UNTOLD = {
    "uos20": {("settings", "screen_lock_per_user")},
    "kylin10": {("settings", "screen_lock_per_user"), ("updates", "no_security_list")},
}
# Which rules each fault breaks.
BROKEN = {
    "no_antivirus": {"AV-001", "AV-002", "AV-003", "AV-004"},
    "antivirus_stopped": {"AV-002", "AV-003", "AV-004"},
    "old_signatures": {"AV-003"},
    "no_realtime": {"AV-004"},
    "security_updates": {"PATCH-001"},
    "old_metadata": {"PATCH-002", "PATCH-003"},
    "restart_pending": {"PATCH-004"},
    "not_automatic": {"PATCH-005"},
    "remote_desktop": {"NET-001", "NET-002", "REMOTE-001", "REMOTE-002"},
    "file_sharing": {"NET-001", "NET-002"},
    "database": {"NET-001", "NET-003"},
    "firewall_off": {"FW-001"},
    "remote_control": {"REMOTE-001"},
    "empty_password": {"PWD-001"},
    "many_administrators": {"ACCT-002"},
    "weak_passwords": {"PWD-002", "PWD-003"},
    "guest_share": {"NET-001", "NET-002", "SHARE-001"},
    "no_screen_lock": {"LOCK-001"},
    "second_way_out": {"OUT-001", "OUT-002"},
}


def results(system: str, faults: frozenset[str]) -> dict[str, Result]:
    """What the shipped policies say of a simulated PC, by rule."""
    pc = machine(replace(condition(1, 1), system=system, faults=faults), "SIM", NOW)
    subject = Subject(PC("id", "SIM", "unit", (), NOW, NOW), os_support.load().derive(collect(pc)))
    verdicts = [verdict for policy in load_policies(bundled("policies")) for verdict in judge(policy, subject, NOW)]
    return {verdict.rule: verdict.result for verdict in verdicts}


def test_a_simulated_pc_is_read_by_the_real_collectors_without_a_problem() -> None:
    now = datetime.now(UTC)
    for number in range(1, 120):
        tables = collect(machine(condition(number, 1), f"SIM-{number}", now))
        failed = {name for name, table in tables.items() if table.problem is not None and not not_here(table)}
        assert failed == set(), number
        assert set(tables) == set(TABLES)


def test_an_unchanged_simulated_pc_says_the_same_twice() -> None:
    one, two = (
        manifest(collect(machine(condition(3, 1), "SIM", datetime(2026, 11, 24, hour, tzinfo=UTC)))) for hour in (3, 21)
    )
    assert one == two


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_healthy_simulated_pc_leaves_nothing_open_but_what_its_system_does_not_tell(system: str) -> None:
    healthy = replace(condition(1, 1), system=system, faults=frozenset())
    tables = collect(machine(healthy, "SIM", NOW))
    assert {(name, note.code) for name, table in tables.items() for note in table.notes} == UNTOLD.get(system, set())


def test_a_healthy_simulated_pc_passes_the_shipped_policy() -> None:
    found = results("debian13", frozenset())
    assert {rule for rule, result in found.items() if result not in (Result.PASS, Result.NOT_APPLICABLE)} == set()
    assert results("kylin10", frozenset())["OS-003"] is Result.PASS


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_the_office_breaks_the_rules_it_should(fault: str) -> None:
    found = results("debian13", frozenset({fault}))
    assert {rule for rule, result in found.items() if result is Result.FAIL} == BROKEN[fault]


def test_the_office_is_the_same_tomorrow_and_grows_without_moving() -> None:
    assert condition(7, 3) == condition(7, 3)
    assert list(members(10)) == list(members(40))[:10]
    assert {member.unit for member in members(100)} == set(range(len(UNITS)))
    assert {condition(number, 1).system for number in range(1, 200)} == set(SYSTEMS)
    runs = [{condition(number, run).faults for run in range(1, 9)} for number in range(1, 60)]
    assert any(len(states) > 1 for states in runs)
