"""The log: one event, one line, whatever it holds; and no stranger fills it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from muster_server.receive import log

HOSTILE = [
    "a\n2026-01-01 INFO all PCs compliant",
    "\x1b[2J\x1b]52;c;aGk=\x07",
    "\u202egpj.exe",
    "a\u2028b\u2029c\x85d",
    "say \"hi\" = \\ 'x'",
    "\ud800 half",
    "\0",
    "信息科 3 号机",
    "",
]


@pytest.fixture
def restored() -> Iterator[None]:
    """The loggers as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def lines(form: str, *said: tuple[int, str, dict[str, object]]) -> list[str]:
    """What was written."""
    stream = io.StringIO()
    log.configure(form, stream)
    for level, name, fields in said:
        log.event(logging.getLogger("muster.test"), level, name, **fields)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("form", log.FORMS)
@pytest.mark.parametrize("text", HOSTILE)
def test_B36_one_event_is_one_line_whatever_its_text(restored: None, form: str, text: str) -> None:
    [line] = lines(form, (logging.WARNING, "seen", {"name": text}))
    assert line.isprintable()
    if form == "json":
        entry = json.loads(line)
        assert (entry["event"], entry["name"], entry["level"]) == ("seen", text, "warning")
        assert entry["time"].endswith("Z")
    elif text.isprintable():
        assert text.replace("\\", "\\\\").replace('"', '\\"') in line


@pytest.mark.parametrize("form", log.FORMS)
def test_B36_what_libraries_say_and_tracebacks_are_one_line_too(restored: None, form: str) -> None:
    stream = io.StringIO()
    log.configure(form, stream)
    try:
        raise ValueError("bad\n2026-01-01 INFO all is well")
    except ValueError:
        logging.getLogger("other").exception("failed for %s", "x\ny")
    [line] = stream.getvalue().splitlines()
    assert line.isprintable()
    assert "ValueError" in line


def test_a_field_cannot_take_the_place_of_what_the_log_says(restored: None) -> None:
    [line] = lines("json", (logging.INFO, "seen", {"level": "error", "time": "never", "count": 3}))
    entry = json.loads(line)
    assert (entry["level"], entry["count"], entry["time"] != "never") == ("info", 3, True)


def test_a_long_text_is_cut(restored: None) -> None:
    [line] = lines("json", (logging.INFO, "seen", {"text": "x" * 1_000_000}))
    assert len(line) < log.TEXT_LIMIT + 200


def test_B07_a_cause_leaves_one_line_a_minute_and_the_number_of_the_others() -> None:
    now = [0.0]
    throttle = log.Throttle(60, lambda: now[0])
    written = []
    for _ in range(30_000):  # 1,000 a second for 30 seconds
        now[0] += 0.001
        written.append(throttle.admit("unauthorised"))
    assert [left_out for left_out in written if left_out is not None] == [0]
    assert throttle.admit("other") == 0
    assert throttle.passed() == []
    now[0] = 61
    assert throttle.passed() == [("unauthorised", 29_999)]
    assert throttle.passed() == []
    assert throttle.admit("unauthorised") is None  # the number was its line of this minute
    now[0] = 200
    assert throttle.admit("unauthorised") == 1


def test_B07_no_number_of_causes_fills_the_memory() -> None:
    throttle = log.Throttle()
    written = [throttle.admit(f"cause {number}") for number in range(10_000)]
    assert sum(left_out is not None for left_out in written) == log.CAUSES + 1


def test_B07_a_refusal_is_logged_with_its_code_and_peer(restored: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_throttle", log.Throttle())
    stream = io.StringIO()
    log.configure("json", stream)
    for _ in range(1000):
        log.refused("unauthorised", "10.0.0.7")
    log.flush(all_of_them=True)
    first, last = map(json.loads, stream.getvalue().splitlines())
    assert (first["code"], first["peer"], "left_out" in first) == ("unauthorised", "10.0.0.7", False)
    assert (last["code"], last["left_out"]) == ("unauthorised", 999)


def test_a_fault_at_every_request_leaves_a_few_lines(restored: None) -> None:
    now = [0.0]
    repeats = log.Repeats(60, lambda: now[0])
    record = logging.makeLogRecord({"name": "muster", "levelno": logging.ERROR, "msg": "a request failed: %r"})
    assert sum(repeats.filter(record) for _ in range(5000)) == log.REPEATS
    now[0] = 61
    assert repeats.filter(record)
    assert record.left_out == 5000 - log.REPEATS  # type: ignore[attr-defined]


def test_the_form_suits_who_reads() -> None:
    assert log.form_for(io.StringIO()) == "json"
