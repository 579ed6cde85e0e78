"""The spool is bounded; what goes first is what is missed least, and what went shows (security.md §3.3)."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from muster_agent.facts import OsVersion, Table
from muster_agent.sending import spool as module
from muster_agent.sending.envelope import FIRST, Envelope
from muster_agent.sending.home import Home, State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport, sign
from muster_agent.sending.spool import LEAST_FREE, Spool

AGENT = "0" * 8 + "-0000-4000-8000-" + "0" * 12
KEY = SigningKey.generate()
PLENTY = LEAST_FREE * 10


def report(spool: Spool, says: int, at: str = "2026-11-24T08:00:00Z") -> tuple[int, SignedReport]:
    """The next report, of a PC that says it has this version."""
    tables = {"os_version": Table((OsVersion(name="Debian", platform="debian", major=says),))}
    return sign(tables, AGENT, KEY, spool.last(State(0, FIRST, [])), at)


def put(spool: Spool, says: int, at: str = "2026-11-24T08:00:00Z") -> list[int]:
    """Store one; the numbers of those that had to go."""
    return [int(name[:19]) for name in spool.put(*report(spool, says, at))]


def numbers(spool: Spool) -> list[int]:
    """What waits."""
    return [int(path.stem) for path in spool.paths()]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An agent's folder."""
    return Home(str(tmp_path / "home"))


def test_what_says_nothing_new_goes_first_and_a_change_of_state_last(home: Home) -> None:
    wide = Spool(home, free=lambda folder: PLENTY)
    for says in (1, 1, 1, 1, 2, 3, 3, 4):
        assert put(wide, says) == []
    size = max(path.stat().st_size for path in wide.paths())
    gone = []
    for room in range(8, 0, -1):
        narrow = Spool(home, limit=int(size * room / module.ROOM) + 1, free=lambda folder: PLENTY)
        gone += [int(name[:19]) for name in narrow._fit()]
    # 2 and 3 stand between reports that say the same; 1 and 6 are followed by one that does; then the oldest change.
    assert gone == [2, 3, 1, 6, 4, 5, 7]
    assert numbers(wide) == [8]


def test_what_went_shows_in_bytes_that_the_pc_has_signed(home: Home) -> None:
    spool = Spool(home, limit=1, free=lambda folder: PLENTY)
    kept = []
    for says in (1, 2, 3):
        seq, signed = report(spool, says)
        spool.put(seq, signed)
        kept.append(Envelope.parse(signed.envelope))
    [(_, last, signed)] = spool.waiting()
    assert (last.seq, last.previous) == (3, kept[1].digest), "it names the one that is gone, by number and by digest"


def test_thirty_days_are_days_on_which_it_ran_and_a_clock_that_jumps_makes_one(home: Home) -> None:
    spool = Spool(home, free=lambda folder: PLENTY)
    for day in range(1, 31):
        assert put(spool, day, f"2026-10-{day:02d}T08:00:00Z") == []
    assert put(spool, 31, "2036-10-01T08:00:00Z") == [1]
    assert put(spool, 32, "1996-10-01T08:00:00Z") == [2]
    assert put(spool, 33, "2026-10-30T20:00:00Z") == []
    assert numbers(spool) == list(range(3, 34))


def test_a_clock_ten_years_ahead_costs_no_report(home: Home) -> None:
    spool = Spool(home, free=lambda folder: PLENTY)
    for number in range(40):
        assert put(spool, number, "2026-11-24T08:00:00Z" if number < 39 else "2036-11-24T08:00:00Z") == []
    assert len(numbers(spool)) == 40


def test_on_a_disk_that_is_nearly_full_the_newest_alone_waits(home: Home) -> None:
    spool = Spool(home, free=lambda folder: PLENTY)
    for says in (1, 2, 3):
        put(spool, says)
    assert put(Spool(home, free=lambda folder: LEAST_FREE - 1), 4) == [1, 2, 3]
    assert numbers(spool) == [4]


def test_a_disk_that_is_full_to_the_last_byte_takes_the_newest_all_the_same(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(home, free=lambda folder: PLENTY)
    for says in (1, 1, 2):
        put(spool, says)
    real = module.write_durably

    def write(path: Path, data: bytes, mode: int = 0o600) -> None:
        if len(list(home.spool.glob("*.json"))) > 1:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, data, mode)

    monkeypatch.setattr(module, "write_durably", write)
    assert put(spool, 3) == [1, 2]
    assert numbers(spool) == [3, 4]


def test_an_error_that_is_no_lack_of_space_drops_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(home, free=lambda folder: PLENTY)
    put(spool, 1)

    def write(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, "write_durably", write)
    with pytest.raises(OSError, match="Input/output"):
        put(spool, 2)
    assert numbers(spool) == [1]


def test_files_that_are_no_report_neither_crash_it_nor_are_kept_for_ever(home: Home) -> None:
    spool = Spool(home, limit=1, free=lambda folder: PLENTY)
    (home.spool / f"{1:019d}.json").write_bytes(b"{not json")
    (home.spool / f"{2:019d}.json").write_bytes(b"\xff" * 100)
    assert put(spool, 1) == []  # looking for the last one has put them aside
    assert len(spool.damaged) == 2 and numbers(spool) == [3]
    assert sorted(path.name for path in home.refused.iterdir()) == [f"{n:019d}.json" for n in (1, 2)]


def test_what_is_put_aside_is_bounded_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REFUSED_LIMIT", 3)
    spool = Spool(home, free=lambda folder: PLENTY)
    for says in range(6):
        put(spool, says)
        spool.refuse(spool.paths()[0], {"error": "x"})
    assert sorted(path.name for path in home.refused.iterdir()) == [
        f"{n:019d}.{end}" for n in (4, 5, 6) for end in ("answer.txt", "json")
    ]
    assert put(spool, 9) == [] and numbers(spool) == [7], "a number is used once, though its report is gone"


def test_B70_a_link_where_a_report_is_to_be_written_is_not_followed(home: Home, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for name in (f"{1:019d}.json.new", f"{1:019d}.json"):
        (home.spool / name).symlink_to(victim)
    spool = Spool(home, free=lambda folder: PLENTY)
    seq, signed = 1, report(Spool(home), 1)[1]
    with pytest.raises(OSError) as error:
        spool.put(seq, signed)
    assert error.value.errno == errno.ELOOP
    assert victim.read_text() == "untouched"
    (home.spool / f"{1:019d}.json.new").unlink()
    spool.put(seq, signed)
    assert victim.read_text() == "untouched" and not (home.spool / f"{1:019d}.json").is_symlink()
