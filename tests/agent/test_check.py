"""muster-agent check: what it prints is complete, honest, inert, and fits the screen in both languages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from muster_agent.cli import main
from muster_agent.collect import collect, collect_table
from muster_agent.commands import check
from muster_agent.facts import TABLES, Antivirus, Package, Problem, SystemInfo, Table, Tables, Update, UpdateStatus
from muster_agent.machine import Uname
from muster_agent.recording import RecordedMachine, SimulatedMachine
from muster_agent.recording.file import from_json
from muster_agent.screen import Screen
from muster_agent.text import cells, inert, padded, wrapped
from muster_agent.words import LANGUAGES, Words

RECORDINGS = Path(__file__).parent / "collect"
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egpj.exe\u200b\r\n\x00\u2028\ud800x"


def screen(lang: str, tables: Tables, full: bool = False, width: int = 79) -> list[str]:
    """What is printed of ``tables``."""
    return Screen(Words(lang), full, width).check(tables, "pc", "2026-11-24 10:00 UTC")


def of(folder: str) -> Tables:
    """The table of a recording."""
    table = folder.partition("/")[0]
    recording = from_json((RECORDINGS / folder / "recording.json").read_text("utf-8"))
    return {table: collect_table(RecordedMachine(recording), table)}


# -- the exit code ---------------------------------------------------------------------------------------------------

FINE, BROKEN = Table(rows=()), Table(problem=Problem("error", "not_found", "/x"))


@pytest.mark.parametrize(
    ("tables", "code"),
    [
        ({"boot": FINE, "updates": FINE}, 0),
        ({"boot": FINE, "updates": replace(FINE, notes=(Problem("denied", "denied", "/x", "security"),))}, 0),
        ({"boot": FINE, "updates": BROKEN}, 3),
        ({"boot": BROKEN, "updates": BROKEN}, 5),
        ({"boot": BROKEN}, 5),
    ],
)
def test_the_exit_code_says_how_much_was_read(tables: Tables, code: int) -> None:
    assert check.exit_code(tables) == code


def simulated(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> None:
    """Let the command look at a PC that has these files only."""
    machine = SimulatedMachine(Uname("Linux", HOSTILE, "6.1", "x86_64"), files)
    monkeypatch.setattr(check, "machine_of", lambda folder: machine)


def test_a_pc_that_tells_something_ends_with_3_and_one_that_tells_nothing_with_5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated(monkeypatch, {"/proc/stat": b"btime 1763942431\n"})
    assert main(["--lang", "en", "check"]) == 3
    assert main(["--lang", "en", "check", "--table", "boot"]) == 0
    assert main(["--lang", "en", "check", "--table", "packages", "--table", "updates"]) == 5
    said = capsys.readouterr().out
    assert "Installed packages (packages): not read" in said
    assert "0 of 2 tables were read." in said


@pytest.mark.parametrize(
    "wrong", [["check", "--table", "nonsense"], ["check", "more"], ["check", "--tables"], ["chek"]]
)
def test_wrong_usage_ends_with_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(wrong)
    assert raised.value.code == 2
    assert "usage: muster-agent" in capsys.readouterr().err.replace("用法: ", "usage: ")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_command_explains_itself(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["check"], ["record"], ["enrol"], ["run"]):
        with pytest.raises(SystemExit) as raised:
            main(["--lang", lang, *words, "--help"])
        assert raised.value.code == 0
        said = capsys.readouterr().out
        assert said.strip()
        assert bool(re.search("[\u4e00-\u9fff]", said)) is (lang == "zh")


# -- what is printed -------------------------------------------------------------------------------------------------

FOLDERS = sorted(path.parent.relative_to(RECORDINGS).as_posix() for path in RECORDINGS.glob("*/*/recording.json"))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_recorded_machine_fits_the_screen_and_leaves_nothing_unsaid(folder: str, lang: str) -> None:
    tables = of(folder)
    [(name, table)] = tables.items()
    for full in (False, True):
        lines = screen(lang, tables, full)
        assert all(cells(line) <= 79 for line in lines), max(lines, key=cells)
        assert all(line == line.rstrip() for line in lines)
        text = " ".join(lines)
        assert f"({name})" in text.replace("（", "(").replace("）", ")")
        words = Words(lang)
        for problem in [*table.notes, *([table.problem] if table.problem else [])]:
            said = words.reason(problem.code)
            assert said != problem.code, f"{problem.code} has no words"
            assert re.sub(r"\s", "", said) in re.sub(r"\s", "", text)


def test_all_rows_are_shown_when_asked_for() -> None:
    tables = of("updates/linux-debian-lz4-lists")
    [table] = tables.values()
    assert table.rows is not None
    whole, short = screen("en", tables, full=True), screen("en", tables)
    for row in table.rows:
        assert any(line.split()[:1] == [row.name] for line in whole), row.name
    assert f"  {len(table.rows) - 8} more rows: muster-agent check --table updates" in short
    assert not any("more rows" in line for line in whole)
    marks = [line.rpartition(" ")[2] for line in short if line.endswith((" yes", " no"))]
    assert marks == sorted(marks, reverse=True)  # security first


def test_zero_security_updates_are_claimed_only_where_nothing_is_missing() -> None:
    """The difference between a PC without pending updates and one that cannot know (both have no row)."""
    note = Problem("error", "no_security_list", "/var/lib/apt/lists")
    row = Update(name="x", installed="1", available="2", security=False)
    headings = {
        table: screen("en", {"updates": table})[2]
        for table in (
            Table(rows=()),
            Table(rows=(), notes=(note,)),
            Table(rows=(row,)),
            Table(rows=(row,), notes=(note,)),
            Table(rows=(replace(row, security=None),), notes=(replace(note, column="security"),)),
        )
    }
    assert list(headings.values()) == [
        "Pending updates (updates): none",
        "Pending updates (updates): none known, there may be more",
        "Pending updates (updates): 1 row, 0 of them security updates",
        "Pending updates (updates): 1 row, how many mend security faults is unknown",
        "Pending updates (updates): 1 row, how many mend security faults is unknown",
    ]


@pytest.mark.parametrize(("lang", "unknown", "no"), [("en", "unknown", "no"), ("zh", "未知", "否")])
def test_unknown_is_not_no(lang: str, unknown: str, no: str) -> None:
    note = Problem("denied", "denied", "/etc/apt/apt.conf.d/20x", "automatic")
    for table, said in (
        (Table(rows=(UpdateStatus(automatic=False),)), no),
        (Table(rows=(UpdateStatus(),), notes=(note,)), unknown),
    ):
        [line] = [
            line
            for line in screen(lang, {"update_status": table})
            if line.startswith(("  automatic", "  自动安装安全更新"))
        ]
        assert line.split()[-1] == said
    product = Antivirus(id="x", name="X", running=None)
    hidden = Problem("denied", "processes_hidden", "/proc", "running")
    said = "\n".join(screen(lang, {"antivirus": Table(rows=(product,), notes=(hidden,))}))
    assert re.search(rf"(running|正在运行) +{unknown}\n", said)


def test_the_same_reason_for_two_columns_is_said_once() -> None:
    lines = screen("en", of("listening_ports/linux-every-scope-nobody"))
    assert sum("belongs to another user" in line for line in lines) == 1
    assert "  ! path, program: not read for every row, it belongs to another user, whose" in lines
    assert lines[-1] == "The remarks marked ! (1) say what is missing in them."


def test_what_keeps_rows_away_is_said_once_and_as_that() -> None:
    """Without a security list a column is unknown and rows are missing: the second says it all."""
    lines = screen("en", of("updates/linux-no-security-source"))
    assert [line for line in lines if line.startswith("  ! ")] == [
        "  ! rows may be missing: no list of security updates is there, so it is unknown"
    ]
    assert [line.split()[-1] for line in lines if line.startswith("  jq ")] == ["unknown"]


# -- what is hostile -------------------------------------------------------------------------------------------------


def hostile() -> Tables:
    """Every text a PC can put on the screen, written to deceive."""
    return {
        "system_info": Table(rows=(SystemInfo(hostname=HOSTILE, cpu_brand=HOSTILE * 20),)),
        "antivirus": Table(rows=(Antivirus(id=HOSTILE, name=HOSTILE, type=HOSTILE, signatures_date=HOSTILE + "Z"),)),
        "updates": Table(problem=Problem("error", HOSTILE, HOSTILE)),
        "update_status": Table(rows=(UpdateStatus(),), notes=(Problem("error", "not_found", HOSTILE, "automatic"),)),
        "packages": Table(rows=(Package(name=HOSTILE, version=HOSTILE, arch="x" * 500),)),
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_text_is_inert_on_the_screen(lang: str) -> None:
    lines = Screen(Words(lang), True, 79).check(hostile(), HOSTILE, "now")
    text = "\n".join(lines)
    text.encode("utf-8")
    for active in "\x1b\x07\u202e\u200b\r\x00\u2028\ud800":
        assert active not in text
    assert "\\x1b[2J" in text
    assert all(cells(line) <= 79 for line in lines[1:])


def test_hostile_text_in_json_is_data(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    simulated(monkeypatch, {"/proc/cpuinfo": b"processor\t: 0\n", "/proc/meminfo": b"MemTotal: 8 kB\n"})
    assert main(["check", "--json", "--table", "system_info"]) == 0
    said = capsys.readouterr().out
    said.encode("utf-8")
    for active in "\x1b\x07\r\x00":
        assert active not in said
    [row] = json.loads(said)["tables"]["system_info"]["rows"]
    assert row["hostname"].startswith("\x1b[2J")


def test_text_is_measured_in_cells() -> None:
    assert cells("统信UOS") == 7
    assert cells("e\u0301") == 1
    assert padded("统信操作系统", 8) == "统信操… "
    assert padded("abc", 5) == "abc  "
    assert inert("a\tb") == "a\\tb"


def test_lines_break_between_words_and_between_chinese_characters() -> None:
    assert wrapped("one two three", 8, "  ") == ["one two", "  three"]
    assert wrapped("操作系统已停止支持，请升级。", 12, "") == ["操作系统已停", "止支持，请升", "级。"]
    long = wrapped("/" + "x" * 30, 12, "  ")
    assert "".join(line.strip() for line in long) == "/" + "x" * 30
    assert all(cells(line) <= 12 for line in long)


# -- json ------------------------------------------------------------------------------------------------------------


def test_json_holds_every_table_with_its_rows_its_problem_and_its_notes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"/proc/stat": b"btime 1763942431\n"}
    simulated(monkeypatch, files)
    assert main(["check", "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"agent_version", "collected_at", "tables"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["collected_at"])
    assert list(said["tables"]) == list(TABLES)
    assert said["tables"]["boot"]["status"] == "ok"
    assert said["tables"]["boot"]["rows"] == [{"boot_time": "2025-11-24T00:01:00Z"}]
    assert [note["column"] for note in said["tables"]["boot"]["notes"]] == ["boot_id"]
    assert said["tables"]["packages"]["rows"] is None
    assert said["tables"]["packages"]["problem"]["code"] == "no_package_database"
    tables = collect(SimulatedMachine(Uname("Linux", HOSTILE, "6.1", "x86_64"), files))
    assert check.described(tables) == said["tables"]


def test_every_reason_the_agent_can_give_has_words() -> None:
    """Every code in the agent's source; one without words would reach an officer as not_understood."""
    source = "\n".join(path.read_text("utf-8") for path in Path(check.__file__).parent.parent.rglob("*.py"))
    codes = set(re.findall(r'(?:CannotRead|Problem\("\w+",|owner_\w+|processes_)\(?\s*"([a-z_]+)"', source))
    codes |= set(re.findall(r'Problem\(\s*"(?:error|denied|unsupported|stale)", "([a-z_]+)"', source))
    codes |= {"not_found", "denied", "owner_hidden", "owner_shielded"}
    assert len(codes) > 20
    words = Words("zh")
    assert [code for code in sorted(codes) if not words.has("reason." + code)] == []
