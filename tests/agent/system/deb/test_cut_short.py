"""A file that lost its end is no proof that something is not there: neither a package, nor a pending update."""

from __future__ import annotations

import pytest

from muster_agent.collect import collect_table
from muster_agent.machine import Uname
from muster_agent.recording import SimulatedMachine

UNAME = Uname("Linux", "pc", "6.1.0-1-amd64", "x86_64")
STATUS = b"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.20\n"
LIST = "mirror.cn_debian-security_dists_bookworm-security_main_binary-amd64_Packages"
HEAD = (
    b"Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: bookworm-security\n"
    b"Date: Sat, 21 Nov 2026 00:53:02 UTC\nSHA256:\n " + b"a" * 64 + b" %d main/binary-amd64/Packages\n"
)


def pc(status: bytes, listed: bytes, size: int) -> SimulatedMachine:
    """A Debian with one list of security updates, of which its publisher states ``size``."""
    return SimulatedMachine(
        UNAME,
        {
            "/etc/os-release": b"ID=debian\nVERSION_ID=12\n",
            "/var/lib/dpkg/status": status,
            "/etc/apt/sources.list": b"deb http://mirror.cn/debian-security bookworm-security main\n",
            "/var/lib/apt/lists/" + LIST: listed,
            "/var/lib/apt/lists/mirror.cn_debian-security_dists_bookworm-security_InRelease": HEAD % size,
        },
    )


@pytest.mark.parametrize("table", ["packages", "updates"])
def test_a_database_that_ends_within_a_line_is_not_read_as_whole(table: str) -> None:
    found = collect_table(pc(STATUS + b"\nPackage: jq\nStatus: install ok installed\nVersion: 1:", b"", 0), table)
    assert found.rows is None
    assert found.problem is not None
    assert found.problem.code == "cut_short"


@pytest.mark.parametrize(("listed", "size"), [(b"Package: dpkg\nVersion: 1.2", 900), (b"", 900)])
def test_a_list_that_lost_its_end_never_means_no_updates(listed: bytes, size: int) -> None:
    found = collect_table(pc(STATUS, listed, size), "updates")
    assert found.rows is None
    assert found.problem is not None
    assert found.problem.code == "cut_short"


def test_a_list_that_its_publisher_left_empty_is_whole() -> None:
    found = collect_table(pc(STATUS, b"", 0), "updates")
    assert found.rows == ()
    assert "cut_short" not in {note.code for note in found.notes}
