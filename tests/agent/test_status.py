"""muster-agent status: what a person at the PC is told, in either language, and what nobody may smuggle in."""

from __future__ import annotations

import calendar
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from muster_agent.commands.status import CLEAN, INCOMPLETE, NOTHING, TO_FIX, Status, exit_code
from muster_agent.sending import notice
from muster_agent.sending.home import Home
from muster_agent.sending.judged import Judged, NotUnderstood, Open, parsed
from muster_agent.sending.notice import Notice, Sent, Unreadable
from muster_agent.text import cells
from muster_agent.words import Words

NOW = calendar.timegm((2026, 11, 24, 9, 0, 0))
FINDING = Open(
    "AV-001",
    "high",
    {"zh": "防病毒软件运行且病毒库不超过三天", "en": "Antivirus runs, signatures at most 3 days old"},
    {"zh": "启动防病毒软件并更新病毒库。", "en": "Start the antivirus and update its signatures."},
    "2026-12-04T00:00:00Z",
)
LATE = replace(FINDING, rule="PA-001", severity="medium", due="2026-11-20T00:00:00Z")
JUDGED = Judged("2026-11-24T08:00:30Z", 2, 0, (LATE, FINDING))
SENT = Sent(12, "2026-11-24T08:00:00Z", 3204, "2026-11-24T08:00:02.123456Z")
WELL = Notice("2026-11-24T08:00:00Z", "https://muster.example:8443", "财务科", sent=SENT, judged=JUDGED)


@pytest.fixture(autouse=True)
def beijing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A PC whose clock on the wall is Beijing's."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def said(found: Notice, lang: str = "en", width: int = 79) -> str:
    """What is printed."""
    lines = Status(Words(lang), width, NOW).lines(found)
    assert all(cells(line) <= width for line in lines), [line for line in lines if cells(line) > width]
    return "\n".join(lines)


def flowing(text: str) -> str:
    """The text without its line ends."""
    return " ".join(text.split())


def as_nobody(question: Callable[[], bool]) -> bool:
    """The answer of a child that is an ordinary user."""
    child = os.fork()
    if child == 0:
        answer = 2
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            answer = 0 if question() else 1
        finally:
            os._exit(answer)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- what is told ----------------------------------------------------------------------------------------------------


def test_a_person_is_told_what_was_sent_and_what_to_fix_until_when() -> None:
    text = said(WELL)
    for part in ("https://muster.example:8443", "财务科", "number 12", "3,204 bytes", "2026-11-24 16:00"):
        assert part in text, part
    assert "To fix on this PC: 2" in text
    assert "1. PA-001" in text
    assert "overdue by 4 day(s)" in text
    assert "2. AV-001 Antivirus runs, signatures at most 3 days old" in text
    assert "Start the antivirus and update its signatures." in text
    assert "Severity high, due 2026-12-04 (10 day(s) left)" in text


def test_nobody_is_overdue_on_the_day_itself() -> None:
    late_in_the_evening = Status(Words("en"), 79, calendar.timegm((2026, 12, 4, 15, 59, 0)))
    assert "(0 day(s) left)" in "\n".join(late_in_the_evening.finding(1, FINDING))
    next_day = Status(Words("en"), 79, calendar.timegm((2026, 12, 4, 16, 0, 0)))
    assert "(overdue by 1 day(s))" in "\n".join(next_day.finding(1, FINDING))


def test_in_the_pcs_own_language() -> None:
    text = said(WELL, "zh")
    assert "本机待整改：2 项" in text
    assert "防病毒软件运行且病毒库不超过三天" in text
    assert "Antivirus" not in text
    assert "已逾期 4 天" in text


@pytest.mark.parametrize("width", [40, 59, 79, 120])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_fits_the_terminal(width: int, lang: str) -> None:
    assert said(WELL, lang, width)
    assert said(replace(WELL, code="unreachable", detail="https://" + "x" * 100), lang, width)


def test_a_judgement_older_than_the_last_report_says_so() -> None:
    old = replace(WELL, judged=replace(JUDGED, as_of="2026-11-24T07:00:00Z"))
    assert "Judged at 2026-11-24 15:00, before the last report came" in said(old)
    assert "before the last report" not in said(WELL)


def test_not_judged_yet_is_not_nothing_to_fix() -> None:
    text = said(replace(WELL, judged=None))
    assert "has not yet said how this PC stands" in text
    assert "Nothing" not in text


def test_nothing_is_said_to_be_fine_while_something_could_not_be_told() -> None:
    fine = replace(WELL, judged=Judged("2026-11-24T08:00:30Z", 0, 0, ()))
    assert "Nothing to fix: every check that applies to this PC passes." in said(fine)
    unclear = replace(WELL, judged=Judged("2026-11-24T08:00:30Z", 0, 3, ()))
    assert "Nothing to fix" not in said(unclear)
    assert "Checks that could not be told: 3" in said(unclear)


def test_what_is_open_and_not_listed_is_counted() -> None:
    assert "and 118 more" in said(replace(WELL, judged=replace(JUDGED, count=120)))


def test_a_run_that_failed_says_why_and_what_to_do() -> None:
    text = flowing(
        said(replace(WELL, code="not_trusted", detail="https://x: self-signed certificate", waiting=3, refused=1))
    )
    assert "not delivered: the server's certificate is not trusted (https://x: self-signed" in text
    assert "--ca" in text
    assert "3 report(s)" in text and "1 report(s)" in text
    assert "a_code_of_a_newer_agent" in said(replace(WELL, code="a_code_of_a_newer_agent"))


def test_a_pc_that_has_been_silent_is_told_so() -> None:
    text = flowing(said(replace(WELL, sent=replace(SENT, received_at="2026-11-10T08:00:00Z"))))
    assert "counts this PC as silent" in text


# -- exit codes (reports.md §2.5) ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (replace(WELL, judged=Judged("2026-11-24T08:00:30Z", 0, 0, ())), CLEAN),
        (WELL, TO_FIX),
        (replace(WELL, judged=None), INCOMPLETE),
        (replace(WELL, sent=None), INCOMPLETE),
        (replace(WELL, code="unreachable"), INCOMPLETE),
        (replace(WELL, judged=Judged("2026-11-24T08:00:30Z", 0, 1, ())), INCOMPLETE),
        (replace(WELL, sent=replace(SENT, received_at="2026-11-10T08:00:00Z")), INCOMPLETE),
        (replace(WELL, sent=replace(SENT, received_at="no moment")), INCOMPLETE),
    ],
)
def test_what_a_program_is_told(found: Notice, code: int) -> None:
    assert exit_code(found, NOW) == code


# -- what the server says is text and nothing else -------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"as_of": "yesterday"},
        {"as_of": None},
        {"count": -1},
        {"count": True},
        {"count": 10**9},
        {"unknown": "3"},
        {"open": None},
        {"open": [asdict(FINDING)] * 101},
        {"open": [{**asdict(FINDING), "run": "rm -rf /"}]},
        {"open": [{**asdict(FINDING), "severity": "critical"}]},
        {"open": [{**asdict(FINDING), "title": "text"}]},
        {"open": [{**asdict(FINDING), "title": {"en": "x"}}]},
        {"open": [{**asdict(FINDING), "title": {"zh": "x", "en": 1}}]},
        {"open": [{**asdict(FINDING), "fix": {"zh": "x" * 501, "en": "x"}}]},
        {"open": [{**asdict(FINDING), "due": "2026-12-04"}]},
        {"command": "reboot"},
    ],
)
def test_a_judgement_that_is_none_is_not_taken(change: dict[str, Any]) -> None:
    good = json.loads(json.dumps(asdict(JUDGED)))
    assert parsed(good) == JUDGED
    with pytest.raises(NotUnderstood):
        parsed({**good, **change})


@pytest.mark.parametrize("content", [[], "x", 1, {}, {"as_of": "2026-11-24T08:00:30Z"}])
def test_nothing_but_a_judgement_is_one(content: Any) -> None:
    with pytest.raises(NotUnderstood):
        parsed(content)
    assert parsed(None) is None


def test_no_text_of_the_server_reaches_the_terminal_alive() -> None:
    evil = "\x1b[2J\x1b]0;x\x07\u202egnp.exe\r\nmuster-agent: all is well"
    one = replace(FINDING, rule=evil, title={"zh": evil, "en": evil}, fix={"zh": evil, "en": evil})
    found = replace(WELL, unit=evil, detail=evil, code=evil, judged=replace(JUDGED, open=(one,)))
    text = said(found)
    assert not set(text) & {"\x1b", "\x07", "\r", "\u202e"}
    assert "\nmuster-agent: all is well" not in text
    assert "\\x1b[2J" in text


# -- the file --------------------------------------------------------------------------------------------------------


def test_any_user_may_read_the_notice_and_nothing_else(public: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("acting for another user needs root")
    home = Home(str(public / "home"))
    home.path.chmod(0o711)
    previous = os.umask(0o077)
    try:
        notice.write(home, WELL)
        (home.path / "key.pem").write_text("secret")
        with home.lock():
            pass
    finally:
        os.umask(previous)
    assert as_nobody(lambda: notice.read(str(home.path)) == WELL)
    for name in ("key.pem", "lock"):
        assert not as_nobody(lambda name=name: os.access(home.path / name, os.R_OK)), name  # type: ignore[misc]
    assert not as_nobody(lambda: list(home.spool.iterdir()) == [])


def test_a_lock_that_others_could_hold_is_closed_to_them(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "home"))
    (home.path / "lock").touch()
    (home.path / "lock").chmod(0o644)
    with home.lock():
        assert (home.path / "lock").stat().st_mode & 0o777 == 0o600


def test_what_a_run_does_not_know_is_kept_from_the_one_before(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "home"))
    notice.write(home, WELL)
    notice.write(home, Notice("2026-11-24T12:00:00Z", code="unreachable"))
    found = notice.read(str(home.path))
    assert found is not None
    assert (found.ran_at, found.code, found.sent, found.judged) == ("2026-11-24T12:00:00Z", "unreachable", SENT, JUDGED)
    notice.write(home, Notice("2026-11-24T12:00:00Z", "https://another.example"))
    found = notice.read(str(home.path))
    assert found is not None
    assert (found.sent, found.judged) == (None, None), "what one server said is not another's"


@pytest.mark.parametrize(
    "change", [{"ran_at": 1}, {"waiting": "x"}, {"sent": {}}, {"sent": 1}, {"judged": []}, {"code": 5}, {"more": 1}]
)
def test_a_damaged_notice_is_said(tmp_path: Path, change: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(str(tmp_path / "home"))
    notice.write(home, WELL)
    path = Path(notice.path_of(str(home.path)))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(Unreadable, match="notice_damaged"):
        notice.read(str(home.path))
    notice.write(home, WELL)
    assert notice.read(str(home.path)) == WELL, "the next run writes it anew"


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "5", "[" * 100_000])
def test_what_is_no_notice_is_a_clear_line(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    from muster_agent.cli import main

    home = Home(str(tmp_path / "home"))
    notice.write(home, WELL)
    Path(notice.path_of(str(home.path))).write_text(content)
    assert main(["status", "--home", str(home.path), "--lang", "en"]) == NOTHING
    assert "damaged" in capsys.readouterr().err


def test_before_the_first_run_there_is_nothing_to_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from muster_agent.cli import main

    assert main(["status", "--home", str(tmp_path / "none"), "--lang", "en"]) == NOTHING
    assert "has not run on this PC yet" in capsys.readouterr().err
    assert not (tmp_path / "none").exists(), "looking makes nothing"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_its_help_has_examples_and_exit_codes(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    from muster_agent.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["--lang", lang, "status", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert {"zh": "示例", "en": "examples"}[lang] in text
    assert {"zh": "退出码", "en": "exit codes"}[lang] in text
