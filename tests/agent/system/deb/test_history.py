"""The day of the last upgrade is found in the newest log that tells of one, and a damaged log is said."""

from __future__ import annotations

import pytest

from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.recording.reduction import packed
from muster_agent.system.deb.history import last_in_apt_history, last_in_dpkg_log, last_upgrade

APT, DPKG = "/var/log/apt/history.log", "/var/log/dpkg.log"


def block(day: str, what: str, end: bool = True) -> str:
    """One block of apt's history."""
    return f"\nStart-Date: {day}  23:59:00\n{what}: x:amd64 (1, 2)\n" + (f"End-Date: {day}  23:59:59\n" if end else "")


def of(files: dict[str, bytes]) -> str | None:
    """The last upgrade on a PC with these logs."""
    return last_upgrade(SimulatedMachine(Uname("Linux", "pc", "6.1", "x86_64"), {"/var/log/x": b"", **files}))


def test_only_an_upgrade_counts() -> None:
    text = block("2026-11-01", "Upgrade") + block("2026-11-09", "Install") + block("2026-11-05", "Remove")
    assert last_in_apt_history(text) == "2026-11-01"
    assert last_in_apt_history(block("2026-11-09", "Install")) is None
    assert last_in_apt_history(block("2026-11-02", "Upgrade", end=False)) == "2026-11-02"


def test_a_version_put_over_itself_is_no_upgrade() -> None:
    text = "2026-11-01 10:00:00 upgrade x:amd64 1 2\n2026-11-09 10:00:00 upgrade x:amd64 2 2\n"
    text += "2026-11-10 10:00:00 install y:amd64 <none> 1\n"
    assert last_in_dpkg_log(text) == "2026-11-01"


def test_the_newest_log_that_tells_wins() -> None:
    older, old = block("2026-09-01", "Upgrade").encode(), block("2026-10-01", "Upgrade").encode()
    assert of({APT: b"", APT + ".1.gz": packed(old), APT + ".10.gz": packed(older)}) == "2026-10-01"
    assert of({APT: block("2026-11-01", "Upgrade").encode(), APT + ".1.gz": packed(old)}) == "2026-11-01"
    assert of({APT: b"", DPKG: b"2026-11-03 10:00:00 upgrade x:amd64 1 2\n"}) == "2026-11-03"
    assert of({}) is None


@pytest.mark.parametrize("damage", [b"no gzip", packed(b"x" * 100_000)[:-20], packed(b"")[:5]])
def test_a_damaged_or_cut_log_is_not_a_log_without_upgrades(damage: bytes) -> None:
    with pytest.raises(CannotRead) as raised:
        of({APT + ".1.gz": damage})
    assert raised.value.code == "not_understood"


def test_a_log_that_unpacks_without_end_is_stopped() -> None:
    with pytest.raises(CannotRead) as raised:
        of({APT + ".1.gz": packed(bytes(70 * 2**20))})
    assert raised.value.code == "too_large"
