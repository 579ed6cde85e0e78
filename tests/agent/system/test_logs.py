"""logrotate.conf(5), journald.conf(5), and how far back a log reaches."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect.settings.linux_log_oldest import first_line
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.system import journald, logrotate


def rotation(text: str, path: str = "/var/log/a.log") -> logrotate.Rotation | None:
    """How a log is kept by a configuration without other files."""
    return logrotate.parse(text, lambda name: []).of(path)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("/var/log/a.log {\n rotate 4\n weekly\n}\n", 28),
        ("weekly\nrotate 26\n/var/log/a.log {\n missingok\n}\n", 182),
        ('daily\n"/var/log/*.log" /var/log/b {\n rotate 180\n postrotate\n  yearly\n  rotate 1\n endscript\n}\n', 180),
        ("/var/log/b\n/var/log/a.log\n{\n monthly\n rotate 12\n maxage 90\n}\n", 90),
        ("/var/log/a.log {\n weekly\n size 10M\n rotate 4\n}\n", None),
        ("/var/log/a.log {\n size=10M\n rotate=4\n}\n", None),
        ("/var/log/a.log {\n weekly\n minsize 1M\n rotate 4\n}\n", 28),
        ("/var/log/a.log {\n weekly\n rotate -1\n}\n", None),
        ("weekly\n/var/log/a.log {\n}\n", 0),
    ],
)
def test_how_long_a_log_is_kept(text: str, days: int | None) -> None:
    found = rotation(text)
    assert found is not None
    assert found.days() == days


def test_what_nothing_rotates_is_said_and_included_files_count() -> None:
    assert rotation("/var/log/b { weekly\n}\n") is None
    said = logrotate.parse("weekly\ninclude /d\n", lambda path: ["rotate 9\n/var/log/a.log {\n}\n"])
    found = said.of("/var/log/a.log")
    assert found is not None and found.days() == 63


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6month", 6 * 2629800), ("1week 2d", 777600), ("0", 0), ("90", 90), ("1h 30min", 5400), ("5M", 5 * 2629800)],
)
def test_spans_of_the_journal(text: str, seconds: int) -> None:
    assert journald.span(text) == seconds


def test_sizes_of_the_journal_and_what_is_none() -> None:
    assert [journald.size(text) for text in ("500M", "4G", "1024", "8 K")] == [500 << 20, 4 << 30, 1024, 8192]
    for read, text in ((journald.size, "10%"), (journald.span, "soon"), (journald.span, "5 moons")):
        with pytest.raises(CannotRead, match="not_understood"):
            read(text)


def test_later_files_of_the_journal_s_settings_win() -> None:
    machine = SimulatedMachine(
        Uname("Linux", "pc", "6.1", "x86_64"),
        {
            "/etc/systemd/journald.conf": b"[Journal]\n#Storage=auto\nSystemMaxUse=1G\nStorage=none\n",
            "/usr/lib/systemd/journald.conf.d/10.conf": b"[Journal]\nSystemMaxUse=2G\n",
            "/etc/systemd/journald.conf.d/10.conf": b"[Journal]\nStorage=persistent\n",
        },
    )
    assert journald.settings(machine) == {"SystemMaxUse": "1G", "Storage": "persistent"}


def test_a_journal_file_tells_its_first_entry_by_name_or_head() -> None:
    name = f"system@{'0' * 32}-{'0' * 15}1-{1_763_884_800_000_000:016x}.journal"
    assert journald.first_entry(name, None) == 1_763_884_800
    head = b"LPKSHHRH".ljust(184, b"\0") + (1_700_000_000_000_000).to_bytes(8, "little")
    assert journald.first_entry("system.journal", head) == 1_700_000_000
    for data in (None, b"", head[:100], b"X" + head[1:], b"LPKSHHRH".ljust(192, b"\0")):
        assert journald.first_entry("system.journal", data) is None


NOON = 1_763_899_200  # 2025-11-23T12:00:00Z


def day(seconds: int | None) -> str | None:
    """The day of a moment."""
    return None if seconds is None else time.strftime("%Y-%m-%d", time.gmtime(seconds))


@pytest.mark.parametrize(
    ("data", "first"),
    [
        (b"2025-05-20T23:59:59.123456+08:00 pc kernel: x\n", "2025-05-21"),
        (b"May 20 06:00:00 pc kernel: x\n", "2025-05-21"),
        (b"Dec  1 06:00:00 pc kernel: x\n", "2024-12-02"),
        (b"Nov 23 11:00:00 pc kernel: x\n", "2025-11-24"),
        (gzip.compress(b"Jan  2 00:00:00 pc x\n" * 1000)[:300], "2025-01-03"),
        (b"\x1f\x8bbroken", None),
        (b"Foo 99 06:00:00 pc x\n", None),
        (b"\0\0\0", None),
        (b"", None),
    ],
)
def test_the_first_record_of_a_text_log_is_never_told_earlier_than_it_was(data: bytes, first: str | None) -> None:
    """The time zone is not known, so a day is added: the answer says how far the log surely reaches back."""
    assert day(first_line(data, NOON)) == first


@given(st.binary(max_size=200), st.integers(0, 2**31))
def test_no_bytes_break_it(data: bytes, changed: int) -> None:
    first_line(data, changed)
    journald.first_entry("system.journal", data)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    logrotate.parse(text, lambda path: [])
    for read in (journald.span, journald.size):
        with contextlib.suppress(CannotRead):
            read(text)


def test_logrotate_itself_keeps_as_many(tmp_path: Path) -> None:
    """What the program makes of a configuration, as it says with -d."""
    program = shutil.which("logrotate", path="/usr/sbin:/sbin:/usr/bin")
    if program is None:
        pytest.skip("logrotate is not installed")
    log, conf = tmp_path / "a.log", tmp_path / "conf"
    log.write_text("x")
    text = f'weekly\nrotate 2\n"{log}" {{\n  daily\n  rotate 7\n}}\n'
    conf.write_text(text)
    conf.chmod(0o644)
    said = subprocess.run([program, "-d", "-s", tmp_path / "state", conf], capture_output=True, text=True)
    assert "after 1 days (7 rotations)" in said.stderr
    found = rotation(text, str(log))
    assert found is not None and found.days() == 7
