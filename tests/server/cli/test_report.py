"""`muster report` on a real deployment: PCs enrolled with real keys, their reports signed, stored and judged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from muster_agent.facts import Antivirus, ListeningPort, OsVersion, Problem, SystemInfo, Table, Tables, UpdateStatus
from muster_agent.sending.envelope import Envelope
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import sign
from muster_server.cli import program
from muster_server.cli.report import columns, wants_colour
from muster_server.deployment import Deployment
from muster_server.receive.door import check_report
from muster_server.store import agents, keys, reports, tokens
from muster_server.store.database import Database
from muster_server.store.tokens import Terms
from muster_server.words import Words

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "\x1b[31mPC\u202e[/b]"
POLICY = """
policy: own
title: {zh: 测试策略, en: A policy of the test}
version: "1"
rules:
  AV-001:
    title: {zh: 防病毒软件正在运行, en: An antivirus runs}
    severity: high
    any: antivirus
    where: {type: [av, edr]}
    pass_if: {running: true}
    evidence: [name, running]
    fix: {zh: 启动防病毒软件。, en: Start it.}
  UP-001:
    title: {zh: 没有待装的安全更新, en: No security update is pending}
    severity: high
    none: updates
    where: {security: true}
    evidence: [name]
    fix: {zh: 安装更新。, en: Install them.}
  NET-001:
    title: {zh: 不开放远程桌面, en: No remote desktop}
    severity: medium
    each: listening_ports
    where: {scope: network}
    pass_if: {port: [22]}
    evidence: [protocol, port]
    fix: {zh: 关闭端口。, en: Close the port.}
  WIN-001:
    title: {zh: 仅用于 Windows, en: For Windows only}
    severity: low
    scope: {platform: [windows]}
    any: os_version
    pass_if: {major: 10}
    evidence: [name]
    fix: {zh: 无。, en: None.}
"""
Run = Callable[..., Result]


@dataclass
class Office:
    """A deployment on disk, and its PCs by name."""

    path: Path
    database: Database
    ids: dict[str, list[str]] = field(default_factory=dict)

    def report(self, name: str, tables: Tables, *days_ago: int) -> str:
        """Enrol a PC and take in a report of it on each of those days; returns its id."""
        now = datetime.now(UTC)
        key, server = SigningKey.generate(), SigningKey.generate()
        with self.database.write() as connection:
            start = now - timedelta(days=max(days_ago, default=0), hours=2)
            token = tokens.issue(connection, Terms("信息科"), "os:test", start, start + timedelta(days=1))
            request = agents.Request(key.public, tokens.token_hash(token), name, None, None, b"{}", bytes(64))
            agent = agents.enrol(connection, request, start)
            assert agent is not None
            last = State()
            for ago in days_ago:
                at = now - timedelta(days=ago, hours=1)
                signed = sign(tables, agent.id, key, last, at.strftime("%Y-%m-%dT%H:%M:%SZ"))[1]
                incoming = check_report(signed, lambda agent_id, name: keys.find(connection, agent_id, name))
                taken = reports.accept(connection, incoming, at, server.sign)
                assert taken.outcome is reports.Outcome.ACCEPTED
                envelope = Envelope.parse(signed.envelope)
                last = State(envelope.seq, envelope.digest, signed.digests())
        self.ids.setdefault(name, []).append(agent.id)
        return agent.id


def facts(hostname: str, running: bool = True) -> Tables:
    """What a PC says of itself."""
    antivirus = Antivirus(name="ClamAV", type="av", running=running, realtime=running, signatures_date="2026-01-01")
    return {
        "os_version": Table((OsVersion(name="Debian GNU/Linux", version="12", major=12, platform="debian"),)),
        "system_info": Table((SystemInfo(hostname=hostname),)),
        "antivirus": Table((antivirus,)),
        "updates": Table(None, Problem("denied", "denied", "/var/lib/apt/lists")),
        "update_status": Table((UpdateStatus(last_installed="2026-01-01", automatic=False),)),
        "listening_ports": Table((ListeningPort(protocol="tcp", address="0.0.0.0", port=3389, scope="network"),)),
    }


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Five PCs, one hostile, two of one name; one reported two months ago for the first time, one never."""
    path = tmp_path_factory.mktemp("office") / "data"
    deployment = Deployment.create(path, "测试局", Words("zh"))
    (path / "policies" / "own.yaml").write_text(POLICY, "utf-8")
    database = deployment.database()
    made = Office(path, database)
    made.report("PC-0001", facts("PC-0001", running=False), 62, 1, 0)
    made.report("Twin", facts("Twin"), 0)
    made.report("twin", facts("twin"), 0)
    made.report(HOSTILE, facts(HOSTILE), 0)
    made.report("PC-0002", {})
    database.close()
    return made


@pytest.fixture
def run(office: Office, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `muster report` with these arguments."""

    def run(*arguments: str, lang: str = "en", data: Path | None = None) -> Result:
        # Before click: the help is built in the language of the environment.
        for name, value in {"MUSTER_LANG": lang, "MUSTER_DATA": str(data or office.path), "COLUMNS": "100"}.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(program(), ["report", *arguments], prog_name="muster")

    return run


# -- what is shown -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "said"), [("zh", "未达标：确认合规 0/5 台"), ("en", "Not met: 0 of 5 PCs confirmed")])
def test_a_bad_office_is_shown_and_exits_0(run: Run, lang: str, said: str) -> None:
    result = run(lang=lang)
    assert result.exit_code == 0
    assert result.stdout.startswith(said)
    assert "\x1b" not in result.stdout
    assert "PC-0001" in result.stdout and "\\x1b[31mPC\\u202e[/b]" in result.stdout


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_pc_is_found_in_any_case_and_by_the_beginning_of_its_id(run: Run, office: Office, lang: str) -> None:
    by_name = run("--pc", "pc-0001", lang=lang)
    assert by_name.exit_code == 0
    assert by_name.stdout.startswith("PC-0001")
    assert (
        "AV-001" in by_name.stdout
        and "/var/lib/apt/lists" in by_name.stdout
        and "Debian GNU/Linux 12" in by_name.stdout
    )
    by_id = run("--pc", office.ids["PC-0001"][0][:13].upper(), lang=lang)
    assert by_id.stdout.splitlines()[0] == by_name.stdout.splitlines()[0]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_one_rule_is_shown_with_the_pcs_it_fails_on(run: Run, lang: str) -> None:
    result = run("--rule", "av-001", lang=lang)
    assert result.exit_code == 0
    assert result.stdout.startswith("AV-001  ")
    assert "PC-0001" in result.stdout


def test_every_reason_of_the_real_judge_is_said_in_words(run: Run, office: Office) -> None:
    for lang in ("zh", "en"):
        for name in ("PC-0001", office.ids[HOSTILE][0], "PC-0002"):
            shown = run("--pc", name, "--all", lang=lang)
            assert shown.exit_code == 0, shown.output
            assert not re.search(r"\b(table|given|rows|any|each|none|count)_[a-z]+\b", shown.stdout)


def test_a_pc_that_never_reported_says_so(run: Run) -> None:
    result = run("--pc", "PC-0002")
    assert result.exit_code == 0
    assert "never reported" in result.stdout


def test_the_month_before_is_shown_as_of_its_end(run: Run) -> None:
    first = json.loads(run("--month", _month(62), "--json").stdout)
    assert first["as_of"].startswith(_month(62))
    assert first["totals"]["registered"] == 1
    assert json.loads(run("--json").stdout)["totals"]["registered"] == 5


def test_the_month_is_written_as_html(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "month.html"
    result = run("--html", str(path))
    assert result.exit_code == 0, result.output
    assert path.read_text("utf-8").lstrip().lower().startswith("<!doctype html>")
    assert "a draft" in result.stdout and str(path) in result.stdout
    past = run("--month", _month(62), "--html", str(path), lang="zh")
    assert past.exit_code == 0 and "草稿" not in past.stdout and _month(62) in past.stdout


def test_a_file_that_cannot_be_written_is_one_clear_line(run: Run, tmp_path: Path) -> None:
    result = run("--html", str(tmp_path / "nowhere" / "month.html"))
    assert result.exit_code == 5
    assert result.stderr.count("\n") <= 2 and "cannot write" in result.stderr


def test_json_is_one_document_whatever_the_view(run: Run) -> None:
    assert json.loads(run("--json").stdout)["schema_version"] == 1
    assert json.loads(run("--pc", "PC-0001", "--json").stdout)["pc"]["name"] == "PC-0001"
    assert json.loads(run("--rule", "AV-001", "--json").stdout)["rule"]["id"] == "AV-001"
    names = [pc["name"] for pc in json.loads(run("--json").stdout)["pcs"]]
    assert HOSTILE in names  # as the PC gave it, escaped by JSON


def test_the_next_command_names_the_deployment_as_it_was_named(office: Office) -> None:
    argv = ["--data", str(office.path), "report"]
    result = CliRunner().invoke(program(), argv, prog_name="muster", env={"MUSTER_LANG": "en"})
    assert f"muster --data {office.path} report --" in result.stdout.splitlines()[-1]


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--pc", "PC-0001", "--rule", "AV-001"],
        ["--all", "--limit", "3"],
        ["--html", "x.html", "--pc", "PC-0001"],
        ["--html", "x.html", "--rule", "AV-001"],
        ["--html", "x.html", "--json"],
        ["--html", "x.html", "--all"],
        ["--html", "x.html", "--limit", "0"],
        ["--month", "2026-13"],
        ["--month", "2026-1"],
        ["--month", "202610"],
        ["--month", "\x1b[2J"],
        ["--month", "２０２６-10"],
        ["--limit", "-1"],
        ["--color", "maybe"],
        ["more"],
    ],
)
def test_a_wrong_combination_is_refused_in_a_clear_line(run: Run, arguments: list[str]) -> None:
    for lang in ("zh", "en"):
        result = run(*arguments, lang=lang)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert "\x1b" not in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("month", ["2020-01", "2099-12"])
def test_a_month_without_data_names_those_that_have_some(run: Run, month: str, tmp_path: Path) -> None:
    for extra in ([], ["--html", str(tmp_path / "x.html")]):
        result = run("--month", month, *extra)
        assert result.exit_code == 5
        assert f"nothing was reported in {month}" in result.stderr
        assert _month(62) in result.stderr and _month(0) in result.stderr
    assert not (tmp_path / "x.html").exists()


def test_an_unknown_pc_or_rule_offers_the_nearest(run: Run) -> None:
    result = run("--pc", "PC-001")
    assert result.exit_code == 5
    assert "PC-0001" in result.stderr
    result = run("--rule", "AV-01")
    assert result.exit_code == 5
    assert "AV-001" in result.stderr
    result = run("--pc", "\x1b[31m")
    assert result.exit_code == 5 and "\x1b" not in result.stderr


def test_a_name_that_two_pcs_share_asks_for_the_id(run: Run, office: Office) -> None:
    result = run("--pc", "TWIN")
    assert result.exit_code == 5
    assert office.ids["Twin"][0] in result.stderr and office.ids["twin"][0] in result.stderr


def test_an_empty_name_means_no_pc(run: Run) -> None:
    assert run("--pc", "").exit_code == 5


def test_a_policy_with_a_mistake_is_told_at_its_line(tmp_path: Path, run: Run) -> None:
    Deployment.create(tmp_path / "d", "x", Words("en"))
    (tmp_path / "d" / "policies" / "own.yaml").write_text("policy: own\nrulez: {}\n", "utf-8")
    result = run(data=tmp_path / "d")
    assert result.exit_code == 5
    assert "own.yaml:2:1" in result.stderr


def test_an_office_without_pcs_says_what_to_do(tmp_path: Path, run: Run) -> None:
    Deployment.create(tmp_path / "d", "x", Words("en"))
    result = run(data=tmp_path / "d")
    assert result.exit_code == 0
    assert result.stdout.startswith("Cannot tell: no PC is enrolled yet.")
    assert result.stdout.rstrip().endswith("token --unit UNIT")


# -- where it is printed ----------------------------------------------------------------------------------------------


def _process(office: Office, *arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    path = os.pathsep.join([str(ROOT / "agent"), str(ROOT / "server")])
    clean = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": path, "MUSTER_DATA": str(office.path)}
    command = [sys.executable, "-m", "muster_server", "report", *arguments]
    return subprocess.run(command, env={**clean, **env}, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "utf-8"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_pipe_of_any_encoding_gets_every_line_and_no_escape(office: Office, encoding: str, lang: str) -> None:
    for arguments in ([], ["--pc", "PC-0001"], ["--rule", "AV-001"], ["--json"]):
        done = _process(office, *arguments, PYTHONIOENCODING=encoding, MUSTER_LANG=lang)
        assert done.returncode == 0, done.stderr
        assert b"\x1b" not in done.stdout
        if "--json" in arguments:
            assert json.loads(done.stdout.decode("utf-8"))
        elif encoding != "ascii":
            lines = done.stdout.decode(encoding).splitlines()
            assert max(map(cell_len, lines)) <= 99  # nobody says how wide a pipe is: 100 columns


def test_a_pipe_is_coloured_only_when_that_is_asked_for(office: Office) -> None:
    assert b"\x1b" not in _process(office, FORCE_COLOR="1", NO_COLOR="1").stdout
    assert b"\x1b[" in _process(office, FORCE_COLOR="1").stdout
    assert b"\x1b[" in _process(office, "--color", "always", NO_COLOR="1").stdout
    assert b"\x1b" not in _process(office, "--color", "never", FORCE_COLOR="1").stdout


@pytest.mark.parametrize(
    ("asked", "tty", "environment", "wanted"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", False, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"CLICOLOR_FORCE": "1"}, True),
        ("auto", False, {"CLICOLOR_FORCE": "0"}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_who_decides_about_colour(asked: str, tty: bool, environment: dict[str, str], wanted: bool) -> None:
    assert wants_colour(asked, tty, environment) is wanted


@pytest.mark.parametrize(
    ("said", "wide"),
    [(None, 100), ("80", 80), ("", 100), ("wide", 100), ("-5", 100), ("3", 40), ("８０", 100), ("9" * 9, 100)],
)
def test_a_pipe_is_as_wide_as_columns_says(said: str | None, wide: int) -> None:
    assert columns(False, {} if said is None else {"COLUMNS": said}) == wide


def test_the_help_is_complete_in_both_languages(run: Run) -> None:
    for lang in ("zh", "en"):
        text = run("--help", lang=lang).stdout
        for option in ("--pc", "--rule", "--month", "--html", "--json", "--all", "--limit", "--color"):
            assert option in text
        assert "muster report --month 2026-10 --html" in text
    assert re.search("[一-鿿]", run("--help", lang="zh").stdout)
    assert not re.search("[一-鿿]", run("--help", lang="en").stdout)


def _month(days_ago: int) -> str:
    return (datetime.now().astimezone() - timedelta(days=days_ago, hours=1)).strftime("%Y-%m")
