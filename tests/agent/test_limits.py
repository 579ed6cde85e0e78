"""What a file of the PC says must not be able to silence the PC: what cannot travel is bounded before it is sent."""

from __future__ import annotations

import json

import pytest

from muster_agent import limits
from muster_agent.collect import collect, collect_table
from muster_agent.facts import ListeningPort, OsVersion, Package, Problem, SystemInfo, Table
from muster_agent.limits import speakable, within_limits
from muster_agent.machine import Socket, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.sending.report import body_of
from muster_server.receive.body import decode

STATUS = b"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.22\n"
CPU = {"/proc/cpuinfo": b"processor\t: 0\n", "/proc/meminfo": b"MemTotal: 1 kB\n"}


def test_a_value_that_is_too_large_is_null_and_said() -> None:
    bounded = within_limits(Table((OsVersion(name="x" * 10_001, major=2**63, minor=1),)))
    assert bounded.rows == (OsVersion(minor=1),)
    assert [(note.code, note.column) for note in bounded.notes] == [
        ("value_too_large", "major"),
        ("value_too_large", "name"),
    ]


def test_too_many_rows_are_said_to_be_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROW_LIMIT", 3)
    bounded = within_limits(Table(tuple(Package(name=str(number)) for number in range(5))))
    assert len(bounded.rows or ()) == 3
    assert bounded.notes == (Problem("error", "too_many_rows", "5"),)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b"/tmp/\xb2\xe2".decode("utf-8", "surrogateescape"), "/tmp/\\xb2\\xe2"),
        ("a\0b", "a\\x00b"),
        ("\ud83d", "\\xed\\xa0\\xbd"),
        ("科室", "科室"),
    ],
)
def test_text_that_is_none_is_written_as_escapes(said: str, shown: str) -> None:
    assert speakable(said) == shown
    shown.encode("utf-8")


def test_a_report_of_a_hostile_pc_is_one_the_server_takes() -> None:
    strange = b"\xb2\xe2\xca\xd4".decode("utf-8", "surrogateescape")
    files = {
        **CPU,
        "/etc/os-release": b"ID=debian\nNAME=" + b"x" * 20_000 + b"\nVERSION_ID=" + b"9" * 5000 + b"\n",
        "/etc/debian_version": b"9" * 6000,
        "/var/lib/dpkg/status": STATUS + b"\nPackage: odd\0name\nStatus: install ok installed\nVersion: 1\n",
        "/proc/stat": b"btime 99999999999999999999\n",
        "/proc/version": b"Linux version 6 (Debian 6:)\n",
    }
    socket = Socket("tcp", "ipv4", "127.0.0.1", 80, strange, "/tmp/" + strange)
    tables = collect(SimulatedMachine(Uname("Linux", strange, "6.1-amd64", "x86_64"), files, sockets=[socket]))
    decode(body_of(tables, ()))
    assert tables["listening_ports"].rows == (
        ListeningPort("tcp", "ipv4", "127.0.0.1", 80, "loopback", "\\xb2\\xe2\\xca\\xd4", "/tmp/\\xb2\\xe2\\xca\\xd4"),
    )
    assert isinstance((tables["system_info"].rows or ())[0], SystemInfo)
    assert (tables["os_version"].rows or ())[0].platform == "debian"
    problems = {name: table.problem.code for name, table in tables.items() if table.problem}
    assert "collector_failed" not in problems.values()
    assert problems["updates"] == "no_apt_lists"
    json.dumps({name: table.status for name, table in tables.items()})


@pytest.mark.parametrize(
    "date",
    ["Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 31 Dec 2026 23:59:59 +99999999999999999999", "Mon, 99 Foo 0 1:1:1 UTC"],
)
def test_one_bad_date_takes_nothing_else_away(date: str) -> None:
    lists = "/var/lib/apt/lists/"
    packages = b"Package: dpkg\nArchitecture: amd64\nVersion: 1.23\n"
    files = {
        **CPU,
        "/etc/os-release": b"ID=debian\n",
        "/var/lib/dpkg/status": STATUS,
        "/etc/apt/sources.list": b"deb http://a.invalid/debian stable main\ndeb http://b.invalid/x y z\n",
        lists + "a.invalid_debian_dists_stable_InRelease": b"Origin: Debian\nDate: Sat, 21 Nov 2026 00:53:02 UTC\n",
        lists + "a.invalid_debian_dists_stable_main_binary-amd64_Packages": packages,
        lists + "b.invalid_x_dists_y_InRelease": b"Origin: Other\nDate: " + date.encode() + b"\n",
        lists + "b.invalid_x_dists_y_z_binary-amd64_Packages": packages,
        "/proc/version": b"Linux\n",
    }
    pc = SimulatedMachine(Uname("Linux", "pc", "6.1-amd64", "x86_64"), files)
    assert [row.available for row in collect_table(pc, "updates").rows or ()] == ["1.23"]
    assert (collect_table(pc, "update_status").rows or ())[0].metadata_date == "2026-11-21T00:53:02Z"
